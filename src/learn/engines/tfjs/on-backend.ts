import * as tf from '@tensorflow/tfjs-core';
import { KindredError } from '../../../core/errors.js';

/** TF.js switches at once when a backend has been opened before; its promise only matters for the first time. */
function select(name: string): void {
  void tf.setBackend(name);
  if (tf.getBackend() !== name) throw new KindredError('internal', `TF.js did not switch to its ${name} backend`);
}

/**
 * Runs `compute`, which must not wait for anything, on an opened TF.js backend, and puts the one that was set back. All
 * of a process shares one current backend: held across a wait, another engine or the loss would run on the wrong one.
 */
export function onBackend<T>(name: string, compute: () => T): T {
  const before = tf.getBackend();
  if (before === name) return compute();
  select(name);
  try {
    return compute();
  } finally {
    if (before) select(before);
  }
}
