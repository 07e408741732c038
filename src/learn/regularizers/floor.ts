import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { densityEpsilon, penaliseSpread } from '../density.js';
import type { Regularizer } from './regularizer.js';

export const floorOptions = z.strictObject({
  /** The spread below which a class is too tight: 0 … 2 on the unit sphere. */
  spread: z.number().positive().max(2).default(0.1),
});

/**
 * One floor for every class, whatever surrounds it: R = mean_c max(0, log(τ + 1e-6) − log(v_c + 1e-6))². What `neighbour` is
 * without the gap.
 */
export function createFloor({ spread: least }: z.infer<typeof floorOptions>): Regularizer {
  return {
    name: 'floor',
    needsReference: false,
    penalty: ({ unit, layout }) =>
      penaliseSpread(unit, layout, (spread) => {
        const padded = tf.add(spread, densityEpsilon);
        const missing = tf.relu(tf.sub(Math.log(least + densityEpsilon), tf.log(padded)));
        return {
          value: tf.mean<tf.Scalar>(tf.square(missing)),
          perSpread: tf.div<tf.Tensor1D>(tf.mul(missing, -2 / layout.classesPerBatch), padded),
        };
      }),
    defaultLambda: (loss) => (loss === 'contrastive' ? 0.1 : 0.03),
  };
}
