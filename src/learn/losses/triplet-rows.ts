import type * as tf from '@tensorflow/tfjs-core';
import type { BatchLayout } from './batch-layout.js';

/** The P = B·(K − 1) (anchor, positive) pairs of a batch, as constants [P, B] with a 1 in each row. */
export function tripletRows(layout: BatchLayout): { readonly anchors: tf.Tensor2D; readonly positives: tf.Tensor2D } {
  const { size, imagesPerClass, classOf } = layout;
  const others = imagesPerClass - 1;
  const anchorOf = (pair: number): number => Math.floor(pair / others);
  const positiveOf = (pair: number): number => {
    const anchor = anchorOf(pair);
    const first = classOf(anchor) * imagesPerClass;
    const candidate = first + (pair % others);
    return candidate < anchor ? candidate : candidate + 1;
  };
  const shape = [size * others, size] as const;
  return {
    anchors: layout.matrix('triplet-anchors', shape, (pair, row) => (anchorOf(pair) === row ? 1 : 0)),
    positives: layout.matrix('triplet-positives', shape, (pair, row) => (positiveOf(pair) === row ? 1 : 0)),
  };
}
