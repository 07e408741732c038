import * as tf from '@tensorflow/tfjs-core';
import type { Distance } from './distance.js';

/** ‖a − b‖² */
export const squared: Distance = {
  name: 'squared',
  largest: 4,
  of: (distances) => tf.clone(distances),
  slope: (distances) => tf.onesLike(distances),
  squared: (distances) => tf.clone(distances),
};
