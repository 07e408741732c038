import * as tf from '@tensorflow/tfjs-core';
import { createRandom, type Random, shuffled } from '../../core/random.js';
import { detached } from '../gradient.js';
import { createGateWeighing, type GateOptions } from './gate.js';
import type { Regularizer } from './regularizer.js';

/** A random cycle through 0 … count − 1: where each number's successor is another number. */
function cycle(count: number, random: Random): Int32Array {
  const order = shuffled(
    Array.from({ length: count }, (_, c) => c),
    random,
  );
  const next = new Int32Array(count);
  order.forEach((c, i) => {
    next[c] = order[(i + 1) % count] ?? 0;
  });
  return next;
}

/**
 * A control for studies: the gate's weights, each given to another class of the batch than the one it was measured on. The
 * weights have the same distribution at every step, and nothing to do with the density of the class they act on. No class
 * keeps its own. Drawn anew each step, from the seed and the step.
 */
export function createGateShuffled(options: GateOptions): Regularizer {
  const { weights, remembered } = createGateWeighing(options);
  return {
    name: 'gate-shuffled',
    needsReference: false,
    remembered,
    attraction: (input) =>
      detached(() => {
        const next = cycle(input.layout.classesPerBatch, input.random ?? createRandom('gate-shuffled'));
        return tf.gather<tf.Tensor1D>(weights(input), tf.tensor1d(next, 'int32'));
      }),
    defaultLambda: () => 0,
  };
}
