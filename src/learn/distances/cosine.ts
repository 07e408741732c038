import * as tf from '@tensorflow/tfjs-core';
import type { Distance } from './distance.js';

/** 1 − a·b, which is ‖a − b‖² / 2 for unit vectors. */
export const cosine: Distance = {
  name: 'cosine',
  largest: 2,
  of: (squared) => tf.mul(squared, 0.5),
  slope: (distances) => tf.fill(distances.shape, 0.5),
  squared: (distances) => tf.mul(distances, 2),
};
