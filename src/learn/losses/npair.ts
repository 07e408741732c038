import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { scalarWithGradient } from '../gradient.js';
import { type BatchLayout, perRow } from './batch-layout.js';
import type { Loss } from './loss.js';

export const npairOptions = z.strictObject({
  /** Weight of the mean squared length of the embeddings, which nothing else holds back. */
  l2: z.number().min(0).max(10).default(0.02),
});

/** Rows [M·K, D] from class by class to position by position: row k·M + c is image k of class c. */
function byPosition(x: tf.Tensor2D, { classesPerBatch: m, imagesPerClass: k }: BatchLayout): tf.Tensor2D {
  return tf.reshape(tf.transpose(tf.reshape(x, [m, k, -1]), [1, 0, 2]), [m * k, -1]);
}

/** The way back. */
function byClass(x: tf.Tensor2D, { classesPerBatch: m, imagesPerClass: k }: BatchLayout): tf.Tensor2D {
  return tf.reshape(tf.transpose(tf.reshape(x, [k, m, -1]), [1, 0, 2]), [m * k, -1]);
}

/**
 * Multi-class N-pair loss (Sohn 2016) on unnormalised embeddings. For every anchor and every other position k: softmax
 * cross-entropy of the anchor's dot products with image k of each class, its own class being right; the mean of them
 * all, plus l2 times the mean squared length. The attraction scales the gradient of the positive's dot product and
 * leaves the value.
 */
export function createNpair({ l2 }: z.infer<typeof npairOptions>): Loss {
  return {
    name: 'npair',
    normalized: false,
    minImagesPerClass: 2,
    compute({ embeddings: z, layout, attraction }) {
      const { classesPerBatch: m, imagesPerClass: k, size, classOf } = layout;
      return scalarWithGradient(z, () => {
        // Columns are k·M + c, so that each softmax runs over M neighbouring numbers.
        const isOther = layout.matrix('npair-others', [size * k, 1], (row) =>
          Math.floor(row / k) % k === row % k ? 0 : 1,
        );
        const isPositive = layout.matrix('npair-positives', [size * k, m], (row, c) => {
          const anchor = Math.floor(row / k);
          return anchor % k !== row % k && classOf(anchor) === c ? 1 : 0;
        });
        const candidates = byPosition(z, layout);
        const logits: tf.Tensor2D = tf.reshape(tf.matMul(z, candidates, false, true), [size * k, m]);
        const shifted: tf.Tensor2D = tf.sub(logits, tf.max(logits, 1, true));
        const exponentials = tf.exp(shifted);
        const total = tf.sum(exponentials, 1, true);
        const terms = size * (k - 1);
        const crossEntropy = tf.sub(tf.sum(tf.mul(tf.log(total), isOther)), tf.sum(tf.mul(shifted, isPositive)));
        const lengths = tf.sum(tf.square(z));
        const value: tf.Scalar = tf.add(tf.div(crossEntropy, terms), tf.mul(lengths, l2 / size));

        let perLogit = tf.sub(tf.mul(tf.div(exponentials, total), isOther), isPositive);
        if (attraction) {
          const weights = tf.reshape(tf.matMul(perRow(attraction, layout), tf.ones([1, k])), [size * k, 1]);
          perLogit = tf.mul(perLogit, tf.add(tf.mul(isPositive, tf.sub(weights, 1)), 1));
        }
        const g: tf.Tensor2D = tf.reshape(tf.div(perLogit, terms), [size, size]);
        const asAnchor = tf.matMul<tf.Tensor2D>(g, candidates);
        const asCandidate = byClass(tf.matMul(g, z, true, false), layout);
        const asLength = tf.mul<tf.Tensor2D>(z, (2 * l2) / size);
        return { value, gradient: tf.addN([asAnchor, asCandidate, asLength]) };
      });
    },
  };
}
