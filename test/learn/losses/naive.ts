import type { Batch, Rows } from './batches.js';

/**
 * The formulas of docs/losses.md as plain loops in double precision, written apart from the code under test. `weights`
 * holds w of each class. Where the gate must leave the value and scale the gradient, `frozen` holds the rows at which
 * stop-gradients were taken.
 */
export interface NaiveInput {
  readonly rows: Rows;
  readonly m: number;
  readonly k: number;
  readonly weights?: readonly number[] | undefined;
  readonly frozen?: Rows | undefined;
  /** The cross-batch memory: rows of unit length with the positions of their classes. */
  readonly past?: readonly { readonly row: readonly number[]; readonly c: number }[] | undefined;
  /** The loss's own parameter. */
  readonly own?: Rows | undefined;
  /** Numbers of the batch's classes among all; absent: 0 … M − 1. */
  readonly classes?: readonly number[] | undefined;
}

export type NaiveLoss = (input: NaiveInput) => number;

export const row = (rows: Rows, i: number): readonly number[] => rows[i] ?? [];

export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

export function squared(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0);
}

export function unit(rows: Rows): number[][] {
  return rows.map((values) => values.map((value) => value / Math.sqrt(dot(values, values))));
}

/** w·s + (1 − w)·stopgrad(s) */
export function gated(current: number, frozen: number, weight: number): number {
  return weight * current + (1 - weight) * frozen;
}

export function naiveNpair(l2: number): NaiveLoss {
  return ({ rows, m, k, weights, frozen }) => {
    const z0 = frozen ?? rows;
    let sum = 0;
    // As in the study: shift s pairs position i of every class with position (i + s) mod K.
    for (let shift = 1; shift < k; shift++) {
      for (let c = 0; c < m; c++) {
        for (let i = 0; i < k; i++) {
          const other = (i + shift) % k;
          const logits = Array.from({ length: m }, (_, j) => {
            const s = dot(row(rows, c * k + i), row(rows, j * k + other));
            const s0 = dot(row(z0, c * k + i), row(z0, j * k + other));
            return j === c ? gated(s, s0, weights?.[c] ?? 1) : s;
          });
          const most = Math.max(...logits);
          const total = logits.reduce((part, logit) => part + Math.exp(logit - most), 0);
          sum += Math.log(total) + most - (logits[c] ?? NaN);
        }
      }
    }
    const lengths = rows.reduce((part, values) => part + dot(values, values), 0);
    return sum / ((k - 1) * m * k) + (l2 * lengths) / rows.length;
  };
}

/** v and D of every class, from raw rows. */
export function naiveDensity({ rows, m, k }: Batch, neighbours = 3): { v: number[]; d: number[] } {
  const z = unit(rows);
  const classes = Array.from({ length: m }, (_, c) => z.slice(c * k, (c + 1) * k));
  const means = classes.map((images) =>
    row(images, 0).map((_, j) => images.reduce((sum, image) => sum + (image[j] ?? 0), 0) / k),
  );
  const v = classes.map((images, c) => images.reduce((sum, image) => sum + squared(image, row(means, c)), 0) / (k - 1));
  const d = means.map((mean, c) => {
    const distances = means.filter((_, j) => j !== c).map((other) => squared(mean, other));
    const nearest = distances.sort((a, b) => a - b).slice(0, neighbours);
    return nearest.reduce((sum, value) => sum + value, 0) / nearest.length;
  });
  return { v, d };
}

export function naiveGate(batch: Batch, kappa: number, neighbours = 3): number[] {
  const { v, d } = naiveDensity(batch, neighbours);
  return v.map((spread, c) => Math.min(1, spread / (kappa * ((d[c] ?? NaN) + 1e-6))));
}

/** `frozen` holds the rows that D is taken from. */
export function naiveNeighbour(batch: Batch, kappa: number, frozen: Rows = batch.rows): number {
  const { v } = naiveDensity(batch);
  const { d } = naiveDensity({ ...batch, rows: frozen });
  const terms = v.map((spread, c) => {
    const missing = Math.log(kappa * (d[c] ?? NaN) + 1e-6) - Math.log(spread + 1e-6);
    return Math.max(0, missing) ** 2;
  });
  return terms.reduce((sum, value) => sum + value, 0) / terms.length;
}
