import { expect, test } from 'vitest';
import { checkCollapse, summarizeEpoch, type BatchStatistics } from '../../src/learn/telemetry.js';
import { KindredError } from '../../src/core/errors.js';

const batch = (loss: number, spread: number[], gap: number[], attraction: number | null = null): BatchStatistics => ({
  loss,
  penalty: null,
  attraction,
  spread,
  gap,
});

test('an epoch is the mean of its losses and the quantiles of its classes’ densities', () => {
  const e = Math.E;
  const summary = summarizeEpoch([batch(1, [1, e], [2, 2 * e], 0.5), batch(3, [e ** 2], [2 * e ** 2], null)]);
  expect(summary.loss).toBe(2);
  expect(summary.penalty).toBeNull();
  expect(summary.attraction).toBe(0.5);
  expect(summary.logDensity.median).toBeCloseTo(-1, 4);
  expect(summary.spreadToGap).toBeCloseTo(0.5, 4);
  expect(summary.logDensity.p10).toBeLessThan(summary.logDensity.p90);
});

test('single classes are followed, by number, as means over their batches; every n-th of many', () => {
  const one = { ...batch(1, [0.1, 0.4], [0.2, 0.4]), classes: [5, 2] };
  const two = { ...batch(1, [0.3, 0.7], [0.2, 0.7]), classes: [5, 301] };
  const few = summarizeEpoch([one, two], 200).byClass;
  expect(few).toEqual({ classes: [2, 5, 301], spread: [0.4, 0.2, 0.7], ratio: [1, 1, 1] });
  expect(summarizeEpoch([one, two], 400).byClass?.classes).toEqual([2]);
  expect(summarizeEpoch([one, two])).not.toHaveProperty('byClass');
});

test.each([
  ['a loss that is no number', batch(NaN, [1], [1])],
  ['an infinite loss', batch(Infinity, [1], [1])],
  ['embeddings that are one point', batch(0.1, [1e-7, 0], [1e-8, 0])],
])('%s stops the run with advice', (_, statistics) => {
  let error: unknown;
  try {
    checkCollapse(statistics, 17);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(KindredError);
  expect(error).toMatchObject({ code: 'training-collapsed' });
  expect(String(error)).toContain('step 17');
});

test('tight classes that lie apart are no collapse', () => {
  expect(() => checkCollapse(batch(0.1, [1e-7], [0.5]), 1)).not.toThrow();
});
