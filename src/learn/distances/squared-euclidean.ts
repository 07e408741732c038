import * as tf from '@tensorflow/tfjs-core';

/**
 * ‖x_i − y_j‖² for all rows of `x` [N, D] and `y` [M, D]: [N, M], never negative. By ‖x_i‖² + ‖y_j‖² − 2 x_i·y_j, so for
 * unit rows it is right to about 1e-6 however small it is. Not differentiable: see `squaredDistanceGradient`.
 * @param y absent: `x` itself
 */
export function squaredDistances(x: tf.Tensor2D, y: tf.Tensor2D = x): tf.Tensor2D {
  const lengths = tf.sum(tf.square(x), 1, true);
  const others = y === x ? lengths : tf.sum(tf.square(y), 1, true);
  const products = tf.matMul(x, y, false, true);
  const sums = tf.add(lengths, tf.reshape(others, [1, -1]));
  return tf.relu(tf.sub<tf.Tensor2D>(sums, tf.mul(products, 2)));
}

/**
 * The gradient with respect to `x` [N, D] of Σ_ij c_ij ‖x_i − x_j‖², for constants c [N, N]: what a loss sends back
 * through its squared distances, c being its derivative with respect to them.
 */
export function squaredDistanceGradient(x: tf.Tensor2D, c: tf.Tensor2D): tf.Tensor2D {
  // Both ends of a pair move, in opposite directions.
  const both: tf.Tensor2D = tf.mul(tf.add(c, tf.transpose(c)), 2);
  return tf.sub(tf.mul(tf.sum(both, 1, true), x), tf.matMul(both, x));
}
