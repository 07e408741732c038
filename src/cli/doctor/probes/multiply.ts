import * as tf from '@tensorflow/tfjs-core';
import { expectNumbers } from '../probe-report.js';

/** Selects a backend that has been loaded and multiplies two small matrices on it. */
export async function multiplyOn(backend: string): Promise<string> {
  if (!(await tf.setBackend(backend))) throw new Error(`the backend "${backend}" does not start`);
  const matrix = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  expectNumbers('a matrix product', await tf.matMul(matrix, matrix).data<'float32'>(), [7, 10, 15, 22]);
  return `TensorFlow.js ${tf.version_core}`;
}
