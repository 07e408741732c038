import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { defaultNeighbours, densityEpsilon, penaliseDensity } from '../density.js';
import type { Regularizer } from './regularizer.js';

export const neighbourOptions = z.strictObject({
  /** The least ratio of spread to gap that is left alone. */
  kappa: z.number().positive().max(1000).default(0.5),
  neighbours: z.int().min(1).max(1000).default(defaultNeighbours),
});

/**
 * A class may be as tight as its surroundings allow, no tighter: R = mean_c max(0, log(κ·D_c + 1e-6) − log(v_c + 1e-6))².
 * D_c is a constant: a floor that moved the gap as well would pull the classes together.
 */
export function createNeighbour({ kappa, neighbours }: z.infer<typeof neighbourOptions>): Regularizer {
  return {
    name: 'neighbour',
    needsReference: false,
    penalty: ({ unit, layout }) =>
      penaliseDensity(unit, layout, neighbours, (spread, gap) => {
        const padded = tf.add(spread, densityEpsilon);
        const floor = tf.log(tf.add(tf.mul(gap, kappa), densityEpsilon));
        const missing = tf.relu(tf.sub(floor, tf.log(padded)));
        return {
          value: tf.mean<tf.Scalar>(tf.square(missing)),
          perSpread: tf.div<tf.Tensor1D>(tf.mul(missing, -2 / layout.classesPerBatch), padded),
        };
      }),
    defaultLambda: (loss) => (loss === 'contrastive' ? 0.1 : 0.03),
  };
}
