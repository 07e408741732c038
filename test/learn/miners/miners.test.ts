import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.js';
import { createBatchLayout } from '../../../src/learn/losses/batch-layout.js';
import { pairMiner, tripletMiner } from '../../../src/learn/miners/registry.js';
import { useBackend } from '../losses/batches.js';
import { naiveDistanceWeighted } from '../losses/naive-pairs.js';

/** One (anchor, positive) pair a row; the first two images are of the anchor's class. */
function choose(name: string, toPositive: number, toNegatives: readonly number[], dim = 8, seed = 0): number[] {
  return tf.tidy(() => {
    const toAll = tf.tensor2d([[0, toPositive, ...toNegatives]]);
    const negatives = tf.tensor2d([[0, 0, ...toNegatives.map(() => 1)]]);
    const squared = (): tf.Tensor2D => toAll;
    const positive = tf.tensor2d([[toPositive]]);
    const random = createRandom('loss', seed);
    const weights = tripletMiner(name).choose({ toAll, toPositive: positive, negatives, squared, dim, random });
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

  test('distance-weighted draws what plain loops draw from the same numbers', () => {
    const negative = fc.integer({ min: 0, max: 380 }).map((value) => value / 100);
    fc.assert(
      fc.property(fc.array(negative, { minLength: 1, maxLength: 8 }), fc.nat(), (toNegatives, seed) => {
        const weights = choose('distance-weighted', 0.5, toNegatives, 8, seed);
        const random = createRandom('loss', seed);
        const isNegative = [false, false, ...toNegatives.map(() => true)];
        const drawn = naiveDistanceWeighted([0, 0.5, ...toNegatives], isNegative, 8, random);
        expect(weights.indexOf(1)).toBe(drawn);
        expect(weights.filter((weight) => weight !== 0)).toEqual([1]);
      }),
      { numRuns: 50, seed: 4 },
    );
  });

  test('distance-weighted draws near negatives more often, as their weight says, and far ones never', () => {
    // With D = 4: weights d⁻² (1 − d²/4)^(−1/2) at d = 0.6, 1.2, and out of reach at 1.5.
    const weight = (d: number): number => 1 / (d * d * Math.sqrt(1 - (d * d) / 4));
    const draws = Array.from({ length: 400 }, (_, seed) =>
      choose('distance-weighted', 0.1, [0.36, 1.44, 2.25], 4, seed),
    );
    const times = [2, 3, 4].map((at) => draws.filter((weights) => weights[at] === 1).length);
    const expected = (400 * weight(0.6)) / (weight(0.6) + weight(1.2));
    expect(times[2]).toBe(0);
    // Three standard deviations of a binomial.
    expect(Math.abs((times[0] ?? NaN) - expected)).toBeLessThan(3 * Math.sqrt(400 * 0.2 * 0.8));
    expect(choose('distance-weighted', 0.1, [2.25, 3], 4, 1).reduce((sum, value) => sum + value)).toBe(1);
  });

  describe('of pairs', () => {
    // Two classes of two: similarities of all four images, by hand.
    const similarities = [
      [1, 0.6, 0.55, 0.3],
      [0.6, 1, 0.75, 0.1],
      [0.55, 0.75, 1, 0.8],
      [0.3, 0.1, 0.8, 1],
    ];
    const mine = (name: string): { positives: number[][]; negatives: number[][] } => {
      const layout = createBatchLayout(2, 2);
      const same = tf.tensor2d([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]); // prettier-ignore
      const other = tf.tensor2d([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]]); // prettier-ignore
      const s = tf.tensor2d(similarities);
      const random = createRandom('loss', 0);
      const found = pairMiner(name).choose({
        similarities: s,
        positives: same,
        negatives: other,
        layout,
        dim: 8,
        random,
      });
      const result = { positives: found.positives.arraySync(), negatives: found.negatives.arraySync() };
      layout.dispose();
      return result;
    };

    test('multi-similarity keeps what is near the other kind', () => {
      expect(mine('multi-similarity')).toEqual({
        // Kept where the similarity is below the nearest negative's + 0.1: 0.65, 0.85, 0.85 and 0.4.
        positives: [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], // prettier-ignore
        // Kept above the positive's − 0.1: 0.5, 0.5, 0.7 and 0.7.
        negatives: [[0, 0, 1, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]], // prettier-ignore
      });
    });

    test('a miner of triplets keeps the negatives it chose, and every positive', () => {
      const positives = [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]; // prettier-ignore
      expect(mine('all').positives).toEqual(positives);
      expect(mine('hard')).toEqual({
        positives,
        negatives: [[0, 0, 1, 0], [0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]], // prettier-ignore
      });
      // Beyond the positive: 0.55; 0.1; 0.75; 0.3.
      expect(mine('semi-hard')).toEqual({
        positives,
        negatives: [[0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]], // prettier-ignore
      });
    });
  });
});
