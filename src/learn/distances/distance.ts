import type * as tf from '@tensorflow/tfjs-core';

/**
 * A distance between unit vectors, as a function of the squared Euclidean one: so all of them share its products and its
 * gradient, and order images alike. Works on tensors of any shape; pure.
 */
export interface Distance {
  readonly name: string;
  /** Between opposite points of the unit sphere. */
  readonly largest: number;
  /** From squared Euclidean distances, 0 … 4. */
  of(squared: tf.Tensor2D): tf.Tensor2D;
  /** Its derivative with respect to the squared Euclidean distance, from the values that `of` gave. */
  slope(distances: tf.Tensor2D): tf.Tensor2D;
  /** Squared Euclidean distances again, from the values that `of` gave. */
  squared(distances: tf.Tensor2D): tf.Tensor2D;
}
