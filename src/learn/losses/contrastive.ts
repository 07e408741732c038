import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { distanceName, withMargin } from '../distances/registry.js';
import { squaredDistances } from '../distances/squared-euclidean.js';
import { scalarWithGradient } from '../gradient.js';
import { pairMiner } from '../miners/registry.js';
import type { Loss } from './loss.js';
import { marginsOf } from './margins.js';
import { mined } from './mined.js';
import { attracted, distanceGradient, pairsOf } from './pairs.js';

export const contrastiveOptions = z.strictObject({
  /** Distance from which two classes are left alone; the default is 0.5 as a Euclidean one. */
  margin: z.number().positive().max(4).optional(),
  /** Constant weight of the positive pairs. */
  positiveWeight: z.number().min(0).max(1000).default(1),
  distance: distanceName.default('euclidean'),
  /** Which pairs count. */
  miner: z.string().default('all'),
});

/** The same one in each distance. */
const margins = { euclidean: 0.5, squared: 0.25, cosine: 0.125 } as const;

/**
 * Contrastive loss (Hadsell, Chopra, LeCun 2006) over the pairs of the batch: the mean over positive pairs of w·δ², plus
 * the sum over negative pairs of max(0, margin − δ)² divided by the number of them inside the margin.
 * @throws KindredError unknown-name for an unknown miner, invalid-option for a margin that the distance never reaches
 */
export function createContrastive(options: z.infer<typeof contrastiveOptions>): Loss {
  const { distance, margin } = withMargin(options.distance, options.margin, margins);
  const miner = pairMiner(options.miner);
  return {
    name: 'contrastive',
    normalized: true,
    minImagesPerClass: 2,
    memory: 'pairs',
    scalesMargins: true,
    compute(input) {
      const { unit } = input;
      return scalarWithGradient(unit, () => {
        const pairs = pairsOf(input);
        const squared = squaredDistances(unit, pairs.candidates);
        const chosen = mined(miner, input, pairs, () => tf.sub(1, tf.mul(squared, 0.5)));
        const count = tf.maximum(tf.sum(chosen.positives), 1);
        const equal = tf.div<tf.Tensor2D>(tf.mul(chosen.positives, options.positiveWeight), count);
        const pull = attracted(equal, pairs, input);

        const distances = distance.of(squared);
        const inside = tf.mul(tf.relu(tf.sub(marginsOf(margin, input), distances)), chosen.negatives);
        const active = tf.maximum(tf.sum(tf.step(inside)), 1);

        const positive = tf.sum(tf.mul(pull, tf.square(distances)));
        const value: tf.Scalar = tf.add(positive, tf.div(tf.sum(tf.square(inside)), active));
        const perDistance = tf.sub(tf.mul(pull, distances), tf.div(inside, active));
        const perSquared = tf.mul<tf.Tensor2D>(tf.mul(perDistance, 2), distance.slope(distances));
        return { value, gradient: distanceGradient(unit, pairs, perSquared) };
      });
    },
  };
}
