import type { Batch, Rows } from '../losses/batches.js';
import { naiveDensity, squared, unit } from '../losses/naive.js';

/** A penalty as plain loops; stop-gradients are taken at `frozen`, the pretrained features of the batch are `reference`. */
export interface NaivePenaltyInput {
  readonly batch: Batch;
  readonly frozen: Rows;
  readonly reference: Batch;
}
export type NaivePenalty = (input: NaivePenaltyInput) => number;

const log = (x: number | undefined): number => Math.log((x ?? NaN) + 1e-6);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export const naiveFloor =
  (least: number): NaivePenalty =>
  ({ batch }) =>
    mean(naiveDensity(batch).v.map((v) => Math.max(0, log(least) - log(v)) ** 2));

export const naiveEqualise: NaivePenalty = ({ batch }) => {
  const densities = naiveDensity(batch).v.map((v) => -log(v));
  return mean(densities.map((density) => (density - mean(densities)) ** 2));
};

export const naiveReference: NaivePenalty = ({ batch, reference }) => {
  const own = naiveDensity(batch).v.map((v) => -log(v));
  const pattern = naiveDensity(reference).v.map((v) => -log(v));
  return mean(own.map((d, c) => (d - mean(own) - ((pattern[c] ?? NaN) - mean(pattern))) ** 2));
};

export const naiveKoleo: NaivePenalty = ({ batch }) => {
  const z = unit(batch.rows);
  return mean(
    z.map((row, i) => {
      const nearest = Math.min(...z.filter((_, j) => j !== i).map((other) => squared(row, other)));
      return -Math.log(Math.sqrt(nearest + 1e-4));
    }),
  );
};

export const naiveController =
  (target: number, gain: number): NaivePenalty =>
  ({ batch, frozen }) => {
    const then = naiveDensity({ ...batch, rows: frozen });
    const push = then.v.map((v, c) => Math.max(-1, Math.min(1, gain * (log(v) - log(then.d[c]) - Math.log(target)))));
    return mean(naiveDensity(batch).v.map((v, c) => v * (push[c] ?? NaN)));
  };

export const naiveBand =
  (lo: number, hi: number): NaivePenalty =>
  ({ batch, frozen, reference }) => {
    const { v, d } = naiveDensity(batch);
    const { d: then } = naiveDensity({ ...batch, rows: frozen });
    const wanted = naiveDensity(reference);
    return mean(
      v.map((spread, c) => {
        const ratio = log((wanted.v[c] ?? NaN) / ((wanted.d[c] ?? NaN) + 1e-6));
        const missing = Math.max(0, Math.log(lo) + ratio + log(then[c]) - log(spread));
        const excess = Math.max(0, log(spread) - log(d[c]) - ratio - Math.log(hi));
        return missing ** 2 + excess ** 2;
      }),
    );
  };

/** The gap without sampling noise, plainly: its neighbours are those of the plain gap. */
export function naiveDebiasedGap(batch: Batch, neighbours = 3): number[] {
  const { v } = naiveDensity(batch);
  const { m, k } = batch;
  const z = unit(batch.rows);
  const mean = (c: number): number[] =>
    (z[0] ?? []).map((_, j) => z.slice(c * k, (c + 1) * k).reduce((sum, image) => sum + (image[j] ?? 0), 0) / k);
  return v.map((spread, c) => {
    const others = Array.from({ length: m }, (_, j) => j)
      .filter((j) => j !== c)
      .map((j) => ({ distance: squared(mean(c), mean(j)), noise: (spread + (v[j] ?? NaN)) / k }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, neighbours);
    const sum = others.reduce((part, { distance, noise }) => part + distance - noise, 0);
    return Math.max(1e-6, sum / others.length);
  });
}
