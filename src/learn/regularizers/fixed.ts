import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Regularizer } from './regularizer.js';

export const fixedOptions = z.strictObject({
  /** Of the pull on every class, 0 … 1. */
  weight: z.number().min(0).max(1).default(0.1),
});

/**
 * A control, no density term: the pull on every class has the same constant weight, as a tuned positive weight would give
 * it, with any loss. What a gate gains beyond the best of these is what density gains.
 */
export function createFixed({ weight }: z.infer<typeof fixedOptions>): Regularizer {
  return {
    name: 'fixed',
    needsReference: false,
    attraction: ({ layout }) => tf.fill<tf.Rank.R1>([layout.classesPerBatch], weight),
    defaultLambda: () => 0,
  };
}
