import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createRegularizer } from '../../../src/learn/regularizers/registry.js';
import { createTerms, parseTerms } from '../../../src/learn/regularizers/terms.js';
import { attractionOf, penaltyOf } from '../../contracts/regularizer.js';
import { largestDifference, randomBatch, useBackend } from '../losses/batches.js';
import { refusal } from '../losses/refusal.js';

const batch = randomBatch({ m: 5, k: 3, d: 8 }, 81, 0.3);
const frozen = randomBatch({ m: 5, k: 3, d: 12 }, 82, 0.9);
const terms = (spec: string, options = {}, lambda?: number, loss = 'contrastive') =>
  createTerms({ spec, options, loss, lambda });

describe('several density terms', () => {
  beforeAll(() => useBackend('cpu'));

  test('are read as names with an optional λ', () => {
    expect(parseTerms('gate')).toEqual([{ name: 'gate', lambda: undefined }]);
    expect(parseTerms('gate + band:0.1+koleo:0')).toEqual([
      { name: 'gate', lambda: undefined },
      { name: 'band', lambda: 0.1 },
      { name: 'koleo', lambda: 0 },
    ]);
  });

  test('one alone is itself, with its own λ, the given one or the default', () => {
    expect(terms('neighbour').lambda).toBe(0.1);
    expect(terms('neighbour', {}, undefined, 'triplet').lambda).toBe(0.03);
    expect(terms('neighbour', {}, 0.7).lambda).toBe(0.7);
    expect(terms('neighbour:0.2').lambda).toBe(0.2);
    expect(terms('neighbour').regularizer.name).toBe('neighbour');
  });

  test('together weigh the pull as the gate does and add their penalties, each with its λ', () => {
    const { regularizer, lambda } = terms('gate+band:0.2+neighbour+koleo:0', { 'band.lo': 0.4, 'gate.kappa': 2 }, 0.5);
    expect([lambda, regularizer.needsReference]).toEqual([1, true]);
    const gate = createRegularizer('gate', { kappa: 2 });
    expect(attractionOf(regularizer, batch)).toEqual(attractionOf(gate, batch));
    const [band, neighbour] = [createRegularizer('band', { lo: 0.4 }), createRegularizer('neighbour')];
    const [a, b] = [penaltyOf(band, batch, frozen), penaltyOf(neighbour, batch)];
    const both = penaltyOf(regularizer, batch, frozen);
    expect(both.value).toBeCloseTo(0.2 * a.value + 0.5 * b.value, 4);
    const expected = a.gradient.map((x, i) => 0.2 * x + 0.5 * (b.gradient[i] ?? NaN));
    expect(largestDifference(both.gradient, expected)).toBeLessThan(1e-4);
    expect(Math.min(Math.abs(a.value), Math.abs(b.value))).toBeGreaterThan(0);
  });

  test('a term with λ 0 costs nothing, not even frozen features', () => {
    const { regularizer, lambda } = terms('gate+band:0');
    expect([lambda, regularizer.needsReference, regularizer.penalty]).toEqual([0, false, undefined]);
  });

  test('options go to the term named, or to the only one that has them', () => {
    const { regularizer } = terms('gate+floor:1', { spread: 0.9 });
    expect(penaltyOf(regularizer, batch).value).toBeCloseTo(
      penaltyOf(createRegularizer('floor', { spread: 0.9 }), batch).value,
      5,
    );
    expect(terms('neighbour', { 'neighbour.kappa': 2 }).regularizer.name).toBe('neighbour');
  });

  test('leave no tensors behind', () => {
    const { regularizer } = terms('gate+band+neighbour+equalise');
    penaltyOf(regularizer, batch, frozen);
    const before = tf.memory().numTensors;
    penaltyOf(regularizer, batch, frozen);
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each([
    ['gates+band', {}, undefined, 'unknown-name', /"gates" \(did you mean "gate"\?\)/],
    ['gate+', {}, undefined, 'invalid-option', /"gate\+" is not NAME or NAME:λ/],
    ['band:', {}, undefined, 'invalid-option', /not NAME or NAME:λ/],
    ['band:-0.1', {}, undefined, 'invalid-option', /λ of band is -0.1, it must be a number of 0 … 1000/],
    ['band:much', {}, undefined, 'invalid-option', /λ of band is much/],
    ['band+band:1', {}, undefined, 'invalid-option', /band is there twice/],
    ['none+band', {}, undefined, 'invalid-option', /none goes with no other/],
    ['gate+gate-mean', {}, undefined, 'invalid-option', /gate and gate-mean both weigh the pull/],
    ['gate:0.1', {}, undefined, 'invalid-option', /gate adds no penalty and takes no λ/],
    ['neighbour', {}, -1, 'invalid-option', /--lambda: -1 is below 0/],
    ['gate', {}, 0.1, 'invalid-option', /--lambda: nothing takes it: gate has no penalty/],
    ['gate+band:0.1', {}, 0.1, 'invalid-option', /--lambda: nothing takes it/],
    ['gate+band', { kappa: 0.5, lo: 0.9 }, undefined, 'invalid-option', /--lo: must be at most hi/],
    ['gate+neighbour', { kappa: 1 }, undefined, 'invalid-option', /gate and neighbour each have kappa/],
    ['gate+band', { spread: 1 }, undefined, 'invalid-option', /--spread does not apply to the gate/],
    ['gate+band', { 'bend.lo': 1 }, undefined, 'unknown-name', /"bend" \(did you mean "band"\?\)/],
    ['band', { 'band.kappa': 1 }, undefined, 'invalid-option', /--kappa does not apply to the band/],
  ] as const)('%s with %o and λ %s is refused', (spec, options, lambda, code, message) => {
    const found = refusal(() => terms(spec, options, lambda));
    expect(found.code).toBe(code);
    expect(found.message).toMatch(message);
    expect(found.hint).toBeTruthy();
  });
});
