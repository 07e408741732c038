import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Remembered } from '../../core/remembered.js';
import { classMeans, defaultNeighbours, densityEpsilon, densityStatistics } from '../density.js';
import { detached } from '../gradient.js';
import { createClassMeans } from './class-means.js';
import type { Regularizer, RegularizerInput } from './regularizer.js';

export const gateOptions = z
  .strictObject({
    /** A class is pulled with full weight when its spread is κ times its gap or more. */
    kappa: z.number().positive().max(1000).default(4),
    /** How many of the nearest other classes the gap is measured to. */
    neighbours: z.int().min(1).max(1000).default(defaultNeighbours),
    /** 1: the gap without the sampling noise of the class means (`densityStatistics`). */
    debiased: z.literal([0, 1], { error: 'must be 0 or 1' }).default(0),
    /** Above 0: the gap is between running means of all classes seen so far, which keep this much at each of a class's batches. */
    momentum: z.number().min(0).lt(1, { error: 'must be below 1' }).default(0),
  })
  .refine(({ debiased, momentum }) => debiased === 0 || momentum === 0, {
    path: ['debiased'],
    error: 'does not go with momentum: the noise of running means is another',
  });
export type GateOptions = z.infer<typeof gateOptions>;

export interface GateWeighing {
  /** w_c = min(1, v_c / (κ (D_c + 1e-6))): [M]. Call it inside a tidy. */
  readonly weights: (input: RegularizerInput) => tf.Tensor1D;
  /** There with momentum. */
  readonly remembered: Remembered | undefined;
}

export function createGateWeighing({ kappa, neighbours, debiased, momentum }: GateOptions): GateWeighing {
  const followed = momentum > 0 ? createClassMeans(momentum) : undefined;
  return {
    remembered: followed?.remembered,
    weights({ unit, layout, classes }) {
      const { spread, gap } = densityStatistics(unit, layout, neighbours, debiased === 1);
      const { classesPerBatch, imagesPerClass } = layout;
      const ofAll = followed?.follow(
        {
          means: Float32Array.from(classMeans(unit, layout).means.dataSync()),
          classes: Array.from({ length: classesPerBatch }, (_, c) => classes?.[c * imagesPerClass] ?? c),
        },
        neighbours,
      );
      const across = ofAll ? tf.tensor1d(ofAll) : gap;
      return tf.minimum<tf.Tensor1D>(tf.div(spread, tf.mul(tf.add(across, densityEpsilon), kappa)), 1);
    },
  };
}

/**
 * Density-gated attraction: the pull on class c is weighted by w_c = min(1, v_c / (κ (D_c + 1e-6))), so what is packed
 * already is pulled less. Never above 1: weights above it collapse the embedding.
 */
export function createGate(options: GateOptions): Regularizer {
  const { weights, remembered } = createGateWeighing(options);
  return {
    name: 'gate',
    needsReference: false,
    remembered,
    attraction: (input) => detached(() => weights(input)),
    defaultLambda: () => 0,
  };
}
