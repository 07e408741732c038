import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { densityEpsilon, densityStatistics } from '../density.js';
import { detached } from '../gradient.js';
import type { Regularizer } from './regularizer.js';

export const marginOptions = z.strictObject({
  /** Power of the spread relative to the batch's mean; 0: the plain margin; below 0: dense classes get the larger one. */
  gain: z.number().min(-10).max(10).default(0.5),
});

/** Margins are scaled by no less and no more. */
const [least, most] = [0.3, 3];

/**
 * Density-adaptive margins: the margin of class c is multiplied by clamp((v_c / mean of v)^gain, 0.3, 3), a constant. A loose class has
 * to be farther from its neighbours; a dense one need not.
 */
export function createMargin({ gain }: z.infer<typeof marginOptions>): Regularizer {
  return {
    name: 'margin',
    needsReference: false,
    marginScale: ({ unit, layout }) =>
      detached(() => {
        const spread = tf.add<tf.Tensor1D>(densityStatistics(unit, layout).spread, densityEpsilon);
        return tf.clipByValue(tf.pow<tf.Tensor1D>(tf.div(spread, tf.mean(spread)), gain), least, most);
      }),
    defaultLambda: () => 0,
  };
}
