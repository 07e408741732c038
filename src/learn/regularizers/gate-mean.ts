import * as tf from '@tensorflow/tfjs-core';
import { detached } from '../gradient.js';
import { createGateWeighing, type GateOptions } from './gate.js';
import type { Regularizer } from './regularizer.js';

/**
 * A control for studies: every class of the batch gets the mean of the gate's weights. What the gate gains beyond this it
 * gains by telling classes apart; what it does not, a pull that weakens as training goes on would gain as well.
 */
export function createGateMean(options: GateOptions): Regularizer {
  const { weights, remembered } = createGateWeighing(options);
  return {
    name: 'gate-mean',
    needsReference: false,
    remembered,
    attraction: (input) =>
      detached(() => tf.mul<tf.Tensor1D>(tf.ones([input.layout.classesPerBatch]), tf.mean(weights(input)))),
    defaultLambda: () => 0,
  };
}
