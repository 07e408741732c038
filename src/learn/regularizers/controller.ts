import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { defaultNeighbours, densityEpsilon, penaliseDensity } from '../density.js';
import type { Regularizer } from './regularizer.js';

export const controllerOptions = z.strictObject({
  /** The ratio v/D it steers to. */
  target: z.number().positive().max(1000).default(0.5),
  /** How fast the push grows with the error of log ρ; it is full at an error of 1 / gain. */
  gain: z.number().positive().max(1000).default(2),
  neighbours: z.int().min(1).max(1000).default(defaultNeighbours),
});

/**
 * A proportional controller that holds ρ_c = v_c / D_c near a target: R = mean_c a_c·v_c, where
 * a_c = clamp(gain · (log(v_c + 1e-6) − log(D_c + 1e-6) − log target), −1, 1) is a constant. Unlike a squared hinge its push is
 * bounded, and linear in v. R is negative where classes are too tight.
 */
export function createController({ target, gain, neighbours }: z.infer<typeof controllerOptions>): Regularizer {
  return {
    name: 'controller',
    needsReference: false,
    penalty: ({ unit, layout }) =>
      penaliseDensity(unit, layout, neighbours, (spread, gap) => {
        const log = (x: tf.Tensor1D): tf.Tensor1D => tf.log(tf.add<tf.Tensor1D>(x, densityEpsilon));
        const error = tf.sub<tf.Tensor1D>(tf.sub(log(spread), log(gap)), Math.log(target));
        const push = tf.clipByValue(tf.mul<tf.Tensor1D>(error, gain), -1, 1);
        return {
          value: tf.mean<tf.Scalar>(tf.mul(push, spread)),
          perSpread: tf.div<tf.Tensor1D>(push, layout.classesPerBatch),
        };
      }),
    defaultLambda: (loss) => (loss === 'contrastive' ? 2 : 0.2),
  };
}
