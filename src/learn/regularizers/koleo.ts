import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { squaredDistanceGradient, squaredDistances } from '../distances/squared-euclidean.js';
import { scalarWithGradient } from '../gradient.js';
import type { Regularizer } from './regularizer.js';

export const koleoOptions = z.strictObject({});

/** Added to squared distances: bounds the push between two embeddings that coincide. */
const epsilon = 1e-4;
const farAway = 1e9;

/**
 * Uniformity without classes, by the Kozachenko–Leonenko estimate of entropy (Sablayrolles et al., Spreading vectors for
 * similarity search, ICLR 2019, arXiv 1806.03198, equation 3): R = −mean_i log √(min_j≠i ‖z_i − z_j‖² + 1e-4), over all images
 * of the batch, those of the same class too. −0.7 … 4.6.
 */
export function createKoleo(): Regularizer {
  return {
    name: 'koleo',
    needsReference: false,
    penalty: ({ unit, layout }) =>
      scalarWithGradient(unit, () => {
        const { size } = layout;
        const itself = layout.matrix('image-itself', [size, size], (i, j) => (i === j ? farAway : 0));
        const distances = tf.add<tf.Tensor2D>(squaredDistances(unit), itself);
        const nearest = tf.add(tf.min<tf.Tensor1D>(distances, 1), epsilon);
        const chosen = tf.oneHot(tf.argMin<tf.Tensor1D>(distances, 1), size);
        const perDistance = tf.div<tf.Tensor2D>(tf.mul(chosen, -0.5 / size), tf.reshape(nearest, [-1, 1]));
        return {
          value: tf.mul(tf.mean<tf.Scalar>(tf.log(nearest)), -0.5),
          gradient: squaredDistanceGradient(unit, perDistance),
        };
      }),
    defaultLambda: (loss) => (loss === 'contrastive' ? 0.1 : 0.03),
  };
}
