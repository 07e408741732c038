import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { squaredDistances } from '../distances/squared-euclidean.js';
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
        const chosen = tf.oneHot(tf.argMin<tf.Tensor1D>(distances, 1), size);
        // From differences, not products: where two embeddings nearly coincide, the logarithm would see rounding alone.
        const apart = tf.sub<tf.Tensor2D>(unit, tf.matMul(chosen, unit));
        const nearest = tf.add(tf.sum(tf.square(apart), 1, true), epsilon);
        const push = tf.div<tf.Tensor2D>(tf.mul(apart, -1 / size), nearest);
        return {
          value: tf.mul(tf.mean<tf.Scalar>(tf.log(nearest)), -0.5),
          gradient: tf.sub<tf.Tensor2D>(push, tf.matMul(chosen, push, true, false)),
        };
      }),
    defaultLambda: (loss) => (loss === 'contrastive' ? 0.1 : 0.03),
  };
}
