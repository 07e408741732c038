import * as tf from '@tensorflow/tfjs-core';

/** A logarithm of sums over the rows of a matrix, with what its gradient needs. */
export interface LogSum {
  /** [R, 1] */
  readonly value: tf.Tensor2D;
  /** [R, C] its derivative with respect to each entry; 0 where the mask is 0. */
  readonly weights: tf.Tensor2D;
}

/** What a mask leaves out is moved this far down: its exponential is 0 beside any that counts. */
const outOfReach = 1e9;

function onlyWhere(mask: tf.Tensor2D, x: tf.Tensor2D): tf.Tensor2D {
  return tf.add(tf.mul(x, mask), tf.mul(tf.sub(mask, 1), outOfReach));
}

/** log Σ exp(x_rc) over the entries whose mask is 1; about −1e9, with no weights, for a row without any. */
export function logSumExp(x: tf.Tensor2D, mask: tf.Tensor2D): LogSum {
  const kept = onlyWhere(mask, x);
  const most = tf.max<tf.Tensor2D>(kept, 1, true);
  const exponentials = tf.exp(tf.sub(kept, most));
  const total = tf.sum<tf.Tensor2D>(exponentials, 1, true);
  return { value: tf.add(tf.log(total), most), weights: tf.mul(tf.div(exponentials, total), mask) };
}

/** log(1 + Σ exp(x_rc)) over the entries whose mask is 1; 0 for a row without any. */
export function logOnePlusSumExp(x: tf.Tensor2D, mask: tf.Tensor2D): LogSum {
  const kept = onlyWhere(mask, x);
  const most = tf.relu(tf.max<tf.Tensor2D>(kept, 1, true));
  const exponentials = tf.exp(tf.sub<tf.Tensor2D>(kept, most));
  const total = tf.add<tf.Tensor2D>(tf.sum(exponentials, 1, true), tf.exp(tf.neg(most)));
  return { value: tf.add(tf.log(total), most), weights: tf.div(exponentials, total) };
}
