import { describe, expect, test } from 'vitest';
import { miners } from '../../../src/learn/miners/registry.js';
import { createLoss, losses } from '../../../src/learn/losses/registry.js';

describe('losses by name', () => {
  test('each factory makes the loss of its name', () => {
    expect(losses.names).toEqual([
      'contrastive',
      'triplet',
      'npair',
      'multi-similarity',
      'proxy-anchor',
      'circle',
      'supcon',
      'lifted',
    ]);
    for (const name of losses.names) expect(createLoss(name).name).toBe(name);
  });

  test('an unknown loss or miner: the known ones and the closest', () => {
    expect(() => createLoss('tripet')).toThrow(
      expect.objectContaining({ code: 'unknown-name', message: 'unknown loss "tripet" (did you mean "triplet"?)' }),
    );
    expect(() => createLoss('triplet', { miner: 'semihard' })).toThrow(
      expect.objectContaining({
        code: 'unknown-name',
        hint: 'Known: semi-hard, hard, all, distance-weighted, multi-similarity.',
      }),
    );
  });

  test('an option of another loss is refused, naming the flag and those that apply', () => {
    expect(() => createLoss('npair', { margin: 0.5 })).toThrow(
      expect.objectContaining({
        code: 'invalid-option',
        field: '--margin',
        message: '--margin does not apply to the npair loss',
        hint: 'Options of the npair loss: --l2.',
      }),
    );
    expect(() => createLoss('triplet', { positiveWeight: 0.1 })).toThrow(
      expect.objectContaining({ code: 'invalid-option', field: '--positive-weight' }),
    );
  });

  test('a miner that does not fit, naming those that do', () => {
    expect(() => createLoss('triplet', { miner: 'multi-similarity' })).toThrow(
      expect.objectContaining({
        code: 'invalid-option',
        field: '--miner',
        hint: 'Miners that fit: semi-hard, hard, all, distance-weighted.',
      }),
    );
    expect(() => createLoss('npair', { miner: 'hard' })).toThrow(
      expect.objectContaining({ code: 'invalid-option', field: '--miner' }),
    );
  });

  test('every miner fits a loss over pairs', () => {
    for (const name of ['contrastive', 'multi-similarity', 'circle', 'supcon', 'lifted']) {
      for (const miner of miners.names) expect(createLoss(name, { miner }).name).toBe(name);
    }
  });

  test('a margin that no two unit vectors are apart, in the distance that was asked for', () => {
    expect(() => createLoss('contrastive', { margin: 2.1, distance: 'squared' })).not.toThrow();
    expect(() => createLoss('triplet', { margin: 2.1, distance: 'cosine' })).toThrow(
      expect.objectContaining({ code: 'invalid-option', field: '--margin' }),
    );
  });

  test('an option that was not given is not an option of another loss', () => {
    expect(createLoss('npair', { margin: undefined, positiveWeight: undefined }).name).toBe('npair');
  });

  test.each([
    ['contrastive', { margin: 0 }, '--margin'],
    ['contrastive', { margin: 2.1 }, '--margin'],
    ['contrastive', { positiveWeight: -1 }, '--positive-weight'],
    ['triplet', { margin: NaN }, '--margin'],
    ['npair', { l2: -0.1 }, '--l2'],
    ['contrastive', { distance: 'manhattan' }, '--distance'],
    ['supcon', { temperature: 0 }, '--temperature'],
    ['circle', { gamma: -1 }, '--gamma'],
    ['proxy-anchor', { proxyRate: -1 }, '--proxy-rate'],
  ] as const)('%s refuses %o', (name, options, field) => {
    expect(() => createLoss(name, options)).toThrow(expect.objectContaining({ code: 'invalid-option', field }));
  });
});
