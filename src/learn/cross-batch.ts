import * as tf from '@tensorflow/tfjs-core';
import { KindredError } from '../core/errors.js';
import type { Remembered } from '../core/remembered.js';
import { l2Normalize } from '../core/vectors.js';
import type { PastEmbeddings } from './losses/loss.js';

/**
 * Cross-batch memory (Wang et al., XBM, CVPR 2020, arXiv 1912.06798): the embeddings of the last batches as they were then, so that a
 * batch is held against more than itself. Rests on embeddings that drift slowly, hence the warm-up.
 */
export interface CrossBatchMemory extends Remembered {
  /** What is remembered, oldest place first; undefined before the warm-up is over or while it is empty. Call inside a tidy. */
  recall(step: number): PastEmbeddings | undefined;
  /** @param raw [B·D] the embeddings of a step, at any length; they take the places of the oldest */
  add(raw: Float32Array, classes: Int32Array): void;
}

export interface CrossBatchOptions {
  /** Embeddings that are kept, ≥ 1. */
  readonly capacity: number;
  /** D */
  readonly dim: number;
  /** Steps before it is used; it fills up in the meantime. */
  readonly warmup: number;
}

export function createCrossBatchMemory({ capacity, dim, warmup }: CrossBatchOptions): CrossBatchMemory {
  const rows = new Float32Array(capacity * dim);
  const labels = new Int32Array(capacity);
  let next = 0;
  let filled = 0;
  return {
    recall(step) {
      if (step < warmup || filled === 0) return undefined;
      return { unit: tf.tensor2d(rows.slice(0, filled * dim), [filled, dim]), classes: labels.slice(0, filled) };
    },
    add(raw, classes) {
      classes.forEach((label, i) => {
        rows.set(l2Normalize(raw.subarray(i * dim, (i + 1) * dim)), next * dim);
        labels[next] = label;
        next = (next + 1) % capacity;
        filled = Math.min(capacity, filled + 1);
      });
    },
    save: () =>
      new Map([
        ['rows', rows.slice(0, filled * dim)],
        ['classes', Float32Array.from(labels.subarray(0, filled))],
        ['next', Float32Array.of(next)],
      ]),
    restore(arrays) {
      const [savedRows, savedClasses, savedNext] = ['rows', 'classes', 'next'].map((name) => arrays.get(name));
      const count = savedClasses?.length ?? -1;
      const place = savedNext?.[0] ?? -1;
      const fits = count <= capacity && savedRows?.length === count * dim && place >= 0 && place < capacity;
      if (!fits || !savedClasses) {
        throw new KindredError('checkpoint-invalid', 'the checkpoint does not hold the cross-batch memory', {
          hint: 'Train from the start, without --resume.',
        });
      }
      rows.set(savedRows);
      labels.set(savedClasses);
      [next, filled] = [place, count];
    },
  };
}
