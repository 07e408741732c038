import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { densityStatistics, penaliseDensity } from '../../../src/learn/density.js';
import { unitRows } from '../../../src/learn/distances/unit-rows.js';
import { createBatchLayout } from '../../../src/learn/losses/batch-layout.js';
import {
  type Batch,
  differences,
  evaluate,
  largestDifference,
  randomBatch,
  shapes,
  toTensor,
  useBackend,
} from '../losses/batches.js';
import { naiveDensity } from '../losses/naive.js';

function statistics(batch: Batch, neighbours?: number): Record<'spread' | 'gap' | 'ratio' | 'logDensity', number[]> {
  const layout = createBatchLayout(batch.m, batch.k);
  const result = tf.tidy(() => {
    const found = densityStatistics(unitRows(toTensor(batch.rows)), layout, neighbours);
    return {
      spread: [...found.spread.dataSync()],
      gap: [...found.gap.dataSync()],
      ratio: [...found.ratio.dataSync()],
      logDensity: [...found.logDensity.dataSync()],
    };
  });
  layout.dispose();
  return result;
}

describe.each(['cpu', 'wasm'] as const)('density statistics on the %s backend', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(shapes)('are those of plain loops: %o', (shape) => {
    const batch = randomBatch(shape, 21);
    for (const neighbours of [1, 3, 100]) {
      const { v, d } = naiveDensity(batch, neighbours);
      const actual = statistics(batch, neighbours);
      expect(largestDifference(actual.spread, v)).toBeLessThan(1e-5);
      expect(largestDifference(actual.gap, d)).toBeLessThan(1e-5);
      const ratios = v.map((spread, c) => spread / ((d[c] ?? NaN) + 1e-6));
      const logs = v.map((spread) => -Math.log(spread + 1e-6));
      expect(largestDifference(actual.ratio, ratios)).toBeLessThan(1e-4);
      expect(largestDifference(actual.logDensity, logs)).toBeLessThan(1e-4);
    }
  });

  test('by hand: two classes of two points on the circle', () => {
    // Class 0 at 0° and 90°: mean (½, ½), v = ½ + ½. Class 1 at 180°, twice: mean (−1, 0), v = 0. D = 1.5² + 0.5².
    const batch = { m: 2, k: 2, rows: [[1, 0], [0, 1], [-1, 0], [-1, 0]] }; // prettier-ignore
    const { spread, gap, ratio, logDensity } = statistics(batch);
    expect(spread[0]).toBeCloseTo(1, 6);
    expect(spread[1]).toBeCloseTo(0, 6);
    expect(gap).toEqual([2.5, 2.5]);
    expect(ratio[0]).toBeCloseTo(0.4, 5);
    expect(logDensity[1]).toBeCloseTo(6 * Math.log(10), 4);
  });

  test.each(shapes)('a penalty sends its gradient through the spread and, when asked, the gap: %o', (shape) => {
    const batch = randomBatch(shape, 22);
    const weights = Array.from({ length: shape.m }, (_, c) => c + 1);
    const weighted = (values: readonly number[]): number =>
      values.reduce((sum, value, c) => sum + value * (weights[c] ?? NaN), 0);
    const penalty = (throughGap: boolean) =>
      evaluate(batch, (embeddings, layout) =>
        penaliseDensity(unitRows(embeddings), layout, 3, (spread, gap) => {
          const w = tf.tensor1d(weights);
          return {
            value: tf.sum(tf.mul(tf.add(spread, gap), w)),
            perSpread: w,
            ...(throughGap ? { perGap: w } : {}),
          };
        }),
      );
    const base = naiveDensity(batch);
    const bySpread = differences(batch.rows, (rows) => weighted(naiveDensity({ ...batch, rows }).v));
    const byBoth = differences(batch.rows, (rows) => {
      const { v, d } = naiveDensity({ ...batch, rows });
      return weighted(v) + weighted(d);
    });
    expect(largestDifference([penalty(true).value], [weighted(base.v) + weighted(base.d)])).toBeLessThan(1e-5);
    expect(largestDifference(penalty(false).gradient, bySpread)).toBeLessThan(1e-4);
    expect(largestDifference(penalty(true).gradient, byBoth)).toBeLessThan(1e-4);
    expect(largestDifference(bySpread, byBoth)).toBeGreaterThan(1e-2);
  });
});
