import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { squaredDistanceGradient, squaredDistances } from '../distances/squared-euclidean.js';
import { scalarWithGradient } from '../gradient.js';
import { negativePairs, perRow, positivePairs } from './batch-layout.js';
import type { Loss } from './loss.js';

export const contrastiveOptions = z.strictObject({
  /** Euclidean distance of unit vectors (0 … 2) from which two classes are left alone. */
  margin: z.number().positive().max(2).default(0.5),
  /** Constant weight of the positive pairs. */
  positiveWeight: z.number().min(0).max(1000).default(1),
});

/** Keeps the gradient of the distance finite where two embeddings coincide. */
const epsilon = 1e-8;

/**
 * Contrastive loss (Hadsell, Chopra, LeCun 2006) over all pairs of the batch: the mean over positive pairs of w·d², plus
 * the sum over negative pairs of max(0, margin − d)² divided by the number of them inside the margin.
 */
export function createContrastive({ margin, positiveWeight }: z.infer<typeof contrastiveOptions>): Loss {
  return {
    name: 'contrastive',
    normalized: true,
    minImagesPerClass: 2,
    compute({ unit, layout, attraction }) {
      return scalarWithGradient(unit, () => {
        const squared = squaredDistances(unit);
        const pairWeight = positiveWeight / (layout.size * (layout.imagesPerClass - 1));
        const equal: tf.Tensor2D = tf.mul(positivePairs(layout), pairWeight);
        const pull: tf.Tensor2D = attraction ? tf.mul(equal, perRow(attraction, layout)) : equal;

        const distance = tf.sqrt(tf.add(squared, epsilon));
        const inside = tf.mul(tf.relu(tf.sub(margin, distance)), negativePairs(layout));
        const active = tf.maximum(tf.sum(tf.step(inside)), 1);

        const value: tf.Scalar = tf.add(tf.sum(tf.mul(pull, squared)), tf.div(tf.sum(tf.square(inside)), active));
        // d/d(d²) of (margin − d)² is −(margin − d)/d.
        const push = tf.div(inside, tf.mul(distance, active));
        return { value, gradient: squaredDistanceGradient(unit, tf.sub(pull, push)) };
      });
    },
  };
}
