import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { defaultNeighbours, densityEpsilon, densityStatistics } from '../density.js';
import { detached } from '../gradient.js';
import type { Regularizer, RegularizerInput } from './regularizer.js';

export const gateOptions = z.strictObject({
  /** A class is pulled with full weight when its spread is κ times its gap or more. */
  kappa: z.number().positive().max(1000).default(4),
  /** How many of the nearest other classes of the batch the gap is measured to. */
  neighbours: z.int().min(1).max(1000).default(defaultNeighbours),
  /** 1: the gap without the sampling noise of the class means (`densityStatistics`). */
  debiased: z.literal([0, 1], { error: 'must be 0 or 1' }).default(0),
});
export type GateOptions = z.infer<typeof gateOptions>;

/** w_c = min(1, v_c / (κ (D_c + 1e-6))): [M]. Call it inside a tidy. */
export function gateWeights(
  { unit, layout }: Pick<RegularizerInput, 'unit' | 'layout'>,
  { kappa, neighbours, debiased }: GateOptions,
): tf.Tensor1D {
  const { spread, gap } = densityStatistics(unit, layout, neighbours, debiased === 1);
  return tf.minimum<tf.Tensor1D>(tf.div(spread, tf.mul(tf.add(gap, densityEpsilon), kappa)), 1);
}

/**
 * Density-gated attraction: the pull on class c is weighted by w_c = min(1, v_c / (κ (D_c + 1e-6))), so what is packed
 * already is pulled less. Never above 1: weights above it collapse the embedding.
 */
export function createGate(options: GateOptions): Regularizer {
  return {
    name: 'gate',
    needsReference: false,
    attraction: (input) => detached(() => gateWeights(input, options)),
    defaultLambda: () => 0,
  };
}
