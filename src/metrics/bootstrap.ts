import { createRandom } from '../core/random.js';
import type { ClassMetrics } from './retrieval.js';

/** Lower and upper end. */
export type Interval = readonly [low: number, high: number];

export interface BootstrapOptions {
  readonly seed?: number;
  /** 1,000 unless given. */
  readonly resamples?: number;
  /** Share of resamples inside the interval; 0.95 unless given. */
  readonly confidence?: number;
}

/** A class's part in a mean over queries. */
export interface Group {
  readonly count: number;
  readonly mean: number;
}

/** The value below which the share `p` of the sorted values lies, interpolated. */
export function quantile(sorted: Float64Array, p: number): number {
  const at = p * (sorted.length - 1);
  const low = Math.floor(at);
  const a = sorted[low] ?? NaN;
  const b = sorted[Math.min(sorted.length - 1, low + 1)] ?? NaN;
  return a + (b - a) * (at - low);
}

/**
 * Percentile interval of the mean over queries, by drawing whole classes with replacement: images of one class rise
 * and fall together, so drawing single queries would make the interval too narrow. No groups: [NaN, NaN].
 */
export function bootstrapMean(groups: readonly Group[], options: BootstrapOptions = {}): Interval {
  const { seed = 0, resamples = 1000, confidence = 0.95 } = options;
  const random = createRandom(seed, 'bootstrap');
  const counts = Float64Array.from(groups, ({ count }) => count);
  const sums = Float64Array.from(groups, ({ count, mean }) => count * mean);
  const means = new Float64Array(resamples).map(() => {
    let sum = 0;
    let count = 0;
    for (let drawn = 0; drawn < groups.length; drawn++) {
      const group = Math.floor(random() * groups.length);
      sum += sums[group] ?? 0;
      count += counts[group] ?? 0;
    }
    return sum / count;
  });
  means.sort();
  const tail = (1 - confidence) / 2;
  return [quantile(means, tail), quantile(means, 1 - tail)];
}

/** The interval of one measure, e.g. 'recall@1'. */
export function bootstrapMeasure(
  perClass: readonly ClassMetrics[],
  name: string,
  options: BootstrapOptions = {},
): Interval {
  const groups = perClass.map(({ queries, values }) => ({ count: queries, mean: values[name] ?? NaN }));
  return bootstrapMean(groups, options);
}

/**
 * The interval of a difference a − b, drawing the same classes for both. Classes that only one side has are left out;
 * both sides are expected to have the same queries.
 */
export function bootstrapDifference(
  a: readonly ClassMetrics[],
  b: readonly ClassMetrics[],
  name: string,
  options: BootstrapOptions = {},
): Interval {
  const other = new Map(b.map((entry) => [entry.label, entry]));
  const groups = a.flatMap(({ label, queries, values }) => {
    const pair = other.get(label);
    return pair ? [{ count: queries, mean: (values[name] ?? NaN) - (pair.values[name] ?? NaN) }] : [];
  });
  return bootstrapMean(groups, options);
}
