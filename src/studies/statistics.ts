import type { Interval } from '../metrics/bootstrap.js';
import { studentCritical, studentTwoSided } from './statistics-student.js';
import { wilcoxonSignedRank } from './statistics-wilcoxon.js';

/** NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The sample's: the sum of squares over n − 1. NaN of fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return NaN;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** What n differences between paired measurements say. */
export interface PairedComparison {
  readonly n: number;
  readonly mean: number;
  /** Of the differences. NaN for one pair. */
  readonly standardDeviation: number;
  /** mean ± t · s.d. / √n, 95 % unless asked otherwise. NaN at both ends for fewer than two pairs. */
  readonly interval: Interval;
  /** Two-sided, of the paired t-test. NaN for fewer than two pairs; 1 where no pair differs. */
  readonly p: number;
  /** Two-sided, of Wilcoxon's signed-rank test, exact. NaN where no pair differs. */
  readonly wilcoxonP: number;
}

/**
 * The paired t-test and its interval (Student 1908) over differences of pairs, and Wilcoxon's test beside it.
 * @param differences one a pair, finite
 */
export function comparePairs(differences: readonly number[], confidence = 0.95): PairedComparison {
  const n = differences.length;
  const centre = mean(differences);
  const deviation = standardDeviation(differences);
  const error = deviation / Math.sqrt(n);
  const half = n < 2 ? NaN : studentCritical(confidence, n - 1) * error;
  // Without scatter t is 0/0 or infinite.
  const t = centre === 0 && error === 0 ? 0 : centre / error;
  return {
    n,
    mean: centre,
    standardDeviation: deviation,
    interval: [centre - half, centre + half],
    p: n < 2 ? NaN : studentTwoSided(t, n - 1),
    wilcoxonP: wilcoxonSignedRank(differences),
  };
}

/**
 * Holm's correction (1979) of several p values for being several: with all of them below α, the chance of even one
 * wrong rejection stays below α. NaN stays NaN and is not counted.
 * @returns in the order given
 */
export function holm(values: readonly number[]): number[] {
  const order = values
    .map((p, index) => ({ p, index }))
    .filter(({ p }) => !Number.isNaN(p))
    .sort((a, b) => a.p - b.p);
  const adjusted = values.map(() => NaN);
  let largest = 0;
  order.forEach(({ p, index }, rank) => {
    largest = Math.max(largest, Math.min(1, (order.length - rank) * p));
    adjusted[index] = largest;
  });
  return adjusted;
}
