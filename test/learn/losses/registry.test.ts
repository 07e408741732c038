import { describe, expect, test } from 'vitest';
import { createLoss, losses } from '../../../src/learn/losses/registry.js';

describe('losses by name', () => {
  test('each factory makes the loss of its name', () => {
    expect(losses.names).toEqual(['contrastive', 'triplet', 'npair']);
    for (const name of losses.names) expect(createLoss(name).name).toBe(name);
  });

  test('an unknown loss or miner: the known ones and the closest', () => {
    expect(() => createLoss('tripet')).toThrow(
      expect.objectContaining({ code: 'unknown-name', message: 'unknown loss "tripet" (did you mean "triplet"?)' }),
    );
    expect(() => createLoss('triplet', { miner: 'semihard' })).toThrow(
      expect.objectContaining({ code: 'unknown-name', hint: 'Known: semi-hard, hard, all.' }),
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

  test('an option that was not given is not an option of another loss', () => {
    expect(createLoss('npair', { margin: undefined, positiveWeight: undefined }).name).toBe('npair');
  });

  test.each([
    ['contrastive', { margin: 0 }, '--margin'],
    ['contrastive', { margin: 2.1 }, '--margin'],
    ['contrastive', { positiveWeight: -1 }, '--positive-weight'],
    ['triplet', { margin: NaN }, '--margin'],
    ['npair', { l2: -0.1 }, '--l2'],
  ] as const)('%s refuses %o', (name, options, field) => {
    expect(() => createLoss(name, options)).toThrow(expect.objectContaining({ code: 'invalid-option', field }));
  });
});
