import * as tf from '@tensorflow/tfjs-core';

/** Added to what is out of the question; squared distances that matter are far below it. */
export const outOfReach = 1e9;

/** [P, B] `distances`, moved out of reach where `allowed` (1 or 0) is 0. Exact where it is 1. */
export function onlyWhere(allowed: tf.Tensor2D, distances: tf.Tensor2D): tf.Tensor2D {
  return tf.add(distances, tf.mul(tf.sub(1, allowed), outOfReach));
}

/** [P, B] weights that choose, in each row, the negatives at exactly `distance` [P, 1]; ties share a weight of 1. */
export function chooseAt(distance: tf.Tensor2D, toAll: tf.Tensor2D, negatives: tf.Tensor2D): tf.Tensor2D {
  const chosen = tf.mul(tf.cast(tf.equal(toAll, distance), 'float32'), negatives);
  return tf.div(chosen, tf.sum(chosen, 1, true));
}
