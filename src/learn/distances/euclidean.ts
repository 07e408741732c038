import * as tf from '@tensorflow/tfjs-core';
import type { Distance } from './distance.js';

/** Keeps the gradient of the root finite where two embeddings coincide. */
const epsilon = 1e-8;

/** √(‖a − b‖² + 1e-8) */
export const euclidean: Distance = {
  name: 'euclidean',
  largest: 2,
  of: (squared) => tf.sqrt(tf.add<tf.Tensor2D>(squared, epsilon)),
  slope: (distances) => tf.div(0.5, distances),
  squared: (distances) => tf.square(distances),
};
