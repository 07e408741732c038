import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { defaultNeighbours, densityEpsilon, densityStatistics, penaliseDensity } from '../density.js';
import { referenceOf, type Regularizer } from './regularizer.js';

export const bandOptions = z
  .strictObject({
    /** The least share of the frozen features' ratio v/D that is left alone. */
    lo: z.number().positive().max(1000).default(0.3),
    /** And the largest. */
    hi: z.number().positive().max(1000).default(0.5),
    neighbours: z.int().min(1).max(1000).default(defaultNeighbours),
  })
  .refine(({ lo, hi }) => lo <= hi, { path: ['lo'], error: 'must be at most hi' });

const logOf = (x: tf.Tensor1D): tf.Tensor1D => tf.log(tf.add<tf.Tensor1D>(x, densityEpsilon));

/**
 * The ratio ρ_c = v_c / D_c stays between lo and hi times ρ_c^ref, that of the same class under the frozen pretrained features.
 * With log x standing for log(x + 1e-6), R = mean_c (max(0, log lo + log ρ_c^ref + log sg(D_c) − log v_c)²
 * + max(0, log v_c − log D_c − log ρ_c^ref − log hi)²). The floor takes D_c as a constant, or it would be met by moving classes
 * together; the ceiling sends its gradient through D_c as well, or it would be met by shrinking everything alike.
 */
export function createBand({ lo, hi, neighbours }: z.infer<typeof bandOptions>): Regularizer {
  return {
    name: 'band',
    needsReference: true,
    penalty: (input) => {
      const { unit, layout } = input;
      return penaliseDensity(unit, layout, neighbours, (spread, gap) => {
        const frozen = logOf(densityStatistics(referenceOf(input, 'band'), layout, neighbours).ratio);
        const ratio = tf.sub(tf.sub(logOf(spread), logOf(gap)), frozen);
        const missing = tf.relu(tf.sub(Math.log(lo), ratio));
        const excess = tf.relu(tf.sub(ratio, Math.log(hi)));
        const scale = 2 / layout.classesPerBatch;
        return {
          value: tf.mean<tf.Scalar>(tf.add(tf.square(missing), tf.square(excess))),
          perSpread: tf.div<tf.Tensor1D>(tf.mul(tf.sub(excess, missing), scale), tf.add(spread, densityEpsilon)),
          perGap: tf.div<tf.Tensor1D>(tf.mul(excess, -scale), tf.add(gap, densityEpsilon)),
        };
      });
    },
    defaultLambda: (loss) => (loss === 'npair' ? 1 : 0.1),
  };
}
