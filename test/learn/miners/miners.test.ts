import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { miners } from '../../../src/learn/miners/registry.js';
import { useBackend } from '../losses/batches.js';

/** One (anchor, positive) pair a row; the first two images are of the anchor's class. */
function choose(name: string, toPositive: number, toNegatives: readonly number[]): number[] {
  return tf.tidy(() => {
    const toAll = tf.tensor2d([[0, toPositive, ...toNegatives]]);
    const negatives = tf.tensor2d([[0, 0, ...toNegatives.map(() => 1)]]);
    const weights = miners.get(name).choose({ toAll, toPositive: tf.tensor2d([[toPositive]]), negatives });
    return [...weights.dataSync()];
  });
}

describe.each(['cpu', 'wasm'] as const)('miners on the %s backend', (backend) => {
  beforeAll(() => useBackend(backend));

  test('semi-hard takes the nearest negative beyond the positive', () => {
    expect(choose('semi-hard', 0.5, [0.4, 0.9, 0.6, 3])).toEqual([0, 0, 0, 0, 1, 0]);
  });

  test('semi-hard takes the farthest where none is beyond; as far as the positive is not beyond', () => {
    expect(choose('semi-hard', 1, [0.4, 0.9, 0.6])).toEqual([0, 0, 0, 1, 0]);
    expect(choose('semi-hard', 1, [0.4, 1, 0.6])).toEqual([0, 0, 0, 1, 0]);
  });

  test('hard takes the nearest negative', () => {
    expect(choose('hard', 0.5, [0.4, 0.9, 0.2])).toEqual([0, 0, 0, 0, 1]);
  });

  test('all takes every negative', () => {
    expect(choose('all', 0.5, [0.4, 0.9, 0.2])).toEqual([0, 0, 1, 1, 1]);
  });

  test('ties share the weight', () => {
    expect(choose('semi-hard', 0.5, [0.75, 0.75, 2])).toEqual([0, 0, 0.5, 0.5, 0]);
    expect(choose('hard', 0.5, [0, 0, 0.5, 0])).toEqual([0, 0, 0.3333333432674408, 0.3333333432674408, 0, 0.3333333432674408]); // prettier-ignore
  });

  test('semi-hard and hard choose negatives only, with weights that sum to 1', () => {
    const distance = fc.integer({ min: 0, max: 16 }).map((value) => value / 4);
    fc.assert(
      fc.property(distance, fc.array(distance, { minLength: 1, maxLength: 8 }), (toPositive, toNegatives) => {
        for (const name of ['semi-hard', 'hard']) {
          const weights = choose(name, toPositive, toNegatives);
          expect(weights.slice(0, 2)).toEqual([0, 0]);
          expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
          const beyond = toNegatives.filter((d2) => d2 > toPositive);
          const wanted = name === 'hard' ? Math.min(...toNegatives) : beyond.length ? Math.min(...beyond) : Math.max(...toNegatives); // prettier-ignore
          toNegatives.forEach((d2, i) => {
            expect((weights[i + 2] ?? NaN) > 0).toBe(d2 === wanted);
          });
        }
      }),
      { numRuns: 50, seed: 3 },
    );
  });
});
