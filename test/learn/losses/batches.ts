import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { createRandom, gaussian } from '../../../src/core/random.js';
import { unitRows } from '../../../src/learn/distances/unit-rows.js';
import { type BatchLayout, createBatchLayout } from '../../../src/learn/losses/batch-layout.js';
import type { BatchContext, Loss } from '../../../src/learn/losses/loss.js';

export type Rows = readonly (readonly number[])[];

export interface Batch {
  readonly m: number;
  readonly k: number;
  readonly rows: Rows;
}

export const shapes = [
  { m: 2, k: 2, d: 3 },
  { m: 3, k: 2, d: 2 },
  { m: 4, k: 3, d: 8 },
  { m: 5, k: 4, d: 6 },
  { m: 7, k: 4, d: 5 },
] as const;

/** Classes around random centres, `noise` wide, so that some pairs are inside every margin and some outside. */
export function randomBatch({ m, k, d }: { m: number; k: number; d: number }, seed: number, noise = 0.9): Batch {
  const random = createRandom('batch', m, k, d, seed);
  const rows: number[][] = [];
  for (let c = 0; c < m; c++) {
    const centre = Array.from({ length: d }, () => gaussian(random));
    const width = noise * (0.3 + random());
    for (let i = 0; i < k; i++) rows.push(centre.map((value) => value + width * gaussian(random)));
  }
  return { m, k, rows };
}

/** An orthogonal matrix from Gram–Schmidt over random vectors. */
export function randomRotation(d: number, seed: number): number[][] {
  const random = createRandom('rotation', d, seed);
  const basis: number[][] = [];
  while (basis.length < d) {
    let vector = Array.from({ length: d }, () => gaussian(random));
    for (const other of basis) {
      const along = vector.reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0);
      vector = vector.map((value, i) => value - along * (other[i] ?? 0));
    }
    const length = Math.hypot(...vector);
    if (length > 1e-3) basis.push(vector.map((value) => value / length));
  }
  return basis;
}

export function rotate(rows: Rows, rotation: Rows): number[][] {
  return rows.map((row) => rotation.map((axis) => axis.reduce((sum, value, i) => sum + value * (row[i] ?? 0), 0)));
}

export function toTensor(rows: Rows): tf.Tensor2D {
  return tf.tensor2d(rows.map((row) => [...row]));
}

export async function useBackend(name: 'cpu' | 'wasm'): Promise<void> {
  await tf.setBackend(name);
  await tf.ready();
}

export interface Evaluated {
  readonly value: number;
  /** [B·D] */
  readonly gradient: Float32Array;
}

/** Value and gradient of a function of the raw embeddings on the current backend. */
export function evaluate(batch: Batch, f: (embeddings: tf.Tensor2D, layout: BatchLayout) => tf.Scalar): Evaluated {
  const layout = createBatchLayout(batch.m, batch.k);
  try {
    return tf.tidy(() => {
      const run = tf.valueAndGrad<tf.Tensor2D, tf.Scalar>((x) => f(x, layout));
      const { value, grad } = run(toTensor(batch.rows));
      return { value: value.dataSync()[0] ?? NaN, gradient: Float32Array.from(grad.dataSync()) };
    });
  } finally {
    layout.dispose();
  }
}

/** What a loss may look at beside the batch. */
export interface Beyond {
  readonly past?: readonly { readonly row: readonly number[]; readonly c: number }[] | undefined;
  /** The loss's own parameter; absent: as the loss makes it for two classes more than the batch has. */
  readonly own?: Rows | undefined;
  /** Numbers of the batch's classes among all; absent: 0 … M − 1. */
  readonly classes?: readonly number[] | undefined;
}

/** The loss's own parameter before the first step, as rows; undefined for a loss without. */
export function ownRows(loss: Loss, { m, rows }: Batch): number[][] | undefined {
  const dim = rows[0]?.length ?? 0;
  const made = loss.own?.create({ classes: m + 2, dim, seed: 1 });
  const [data] = [...(made?.values() ?? [])].map((parameter) => parameter.data);
  if (!data) return undefined;
  return Array.from({ length: m + 2 }, (_, i) => [...data.subarray(i * dim, (i + 1) * dim)]);
}

export function contextOf(loss: Loss, batch: Batch, { past, own, classes }: Beyond): BatchContext {
  const names = [...(loss.own?.create({ classes: 1, dim: 1, seed: 0 }).keys() ?? [])];
  const values = own ?? ownRows(loss, batch);
  return {
    classes: Int32Array.from(batch.rows, (_, i) => {
      const c = Math.floor(i / batch.k);
      return classes?.[c] ?? c;
    }),
    past: past && { unit: toTensor(past.map(({ row }) => row)), classes: Int32Array.from(past, ({ c }) => c) },
    own: values && new Map(names.map((name) => [name, toTensor(values)])),
  };
}

export function evaluateLoss(loss: Loss, batch: Batch, weights?: readonly number[], beyond: Beyond = {}): Evaluated {
  return evaluate(batch, (embeddings, layout) =>
    loss.compute({
      embeddings,
      unit: unitRows(embeddings),
      layout,
      attraction: weights ? tf.tensor1d([...weights]) : undefined,
      context: contextOf(loss, batch, beyond),
    }),
  );
}

/** Central differences of a function of the rows, in double precision. [B·D] */
export function differences(rows: Rows, f: (rows: Rows) => number, step = 1e-5): number[] {
  return rows.flatMap((row, i) =>
    row.map((value, j) => {
      const moved = (by: number): Rows => rows.with(i, row.with(j, value + by));
      return (f(moved(step)) - f(moved(-step))) / (2 * step);
    }),
  );
}

/** The largest difference between two vectors, relative to the second where that is above 1. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  const pairs = Array.from(expected, (value, i) => Math.abs((actual[i] ?? NaN) - value) / Math.max(1, Math.abs(value)));
  return pairs.some(Number.isNaN) ? NaN : Math.max(0, ...pairs);
}
