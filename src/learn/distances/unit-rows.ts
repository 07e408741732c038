import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from '../gradient.js';

/** Rows shorter than this are divided by it instead of by their length, so that a zero row stays zero. */
const shortest = 1e-6;

/** L2-normalised rows of `x` [N, D]; differentiable. A zero row stays zero. */
export function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  return differentiable<tf.Tensor2D>(
    [x],
    () => {
      const length = tf.maximum(tf.sqrt(tf.sum(tf.square(x), 1, true)), shortest);
      const unit: tf.Tensor2D = tf.div(x, length);
      return { value: unit, saved: [unit, length] };
    },
    (dy, [unit, length]) => {
      if (unit === undefined || length === undefined) return [];
      // Only what is at right angles to the row moves it along the sphere.
      const radial = tf.mul(unit, tf.sum(tf.mul(dy, unit), 1, true));
      return [tf.div(tf.sub(dy, radial), length)];
    },
  );
}
