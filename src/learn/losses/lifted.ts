import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { distanceName, withMargin } from '../distances/registry.js';
import { squaredDistances } from '../distances/squared-euclidean.js';
import { scalarWithGradient } from '../gradient.js';
import { pairMiner } from '../miners/registry.js';
import { logSumExp } from './log-sum-exp.js';
import type { Loss } from './loss.js';
import { mined } from './mined.js';
import { attracted, distanceGradient, pairsOf } from './pairs.js';

export const liftedOptions = z.strictObject({
  /** m; the default is 1 as a Euclidean distance. */
  margin: z.number().positive().max(4).optional(),
  distance: distanceName.default('euclidean'),
  /** σ: how sharply near negatives and far positives are told apart from the others; 1 in the paper. */
  scale: z.number().positive().max(1000).default(8),
  /** Which pairs count. */
  miner: z.string().default('all'),
});

const margins = { euclidean: 1, squared: 1, cosine: 0.5 } as const;

/**
 * Lifted structure in the generalised form of Hermans, Beyer, Leibe (In Defense of the Triplet Loss, 2017, arXiv 1703.07737,
 * equation 9), which takes all positives of an anchor where Oh Song et al. (CVPR 2016) take pairs: the mean over anchors of
 * max(0, (1/σ) log Σ_p exp(σ δ_ap) + (1/σ) log Σ_n exp(σ (m − δ_an))). σ is kindred's addition: distances between unit vectors
 * span 2 at most, where theirs have no bound.
 * @throws KindredError unknown-name for an unknown miner, invalid-option for a margin that the distance never reaches
 */
export function createLifted(options: z.infer<typeof liftedOptions>): Loss {
  const { distance, margin } = withMargin(options.distance, options.margin, margins);
  const { scale } = options;
  const miner = pairMiner(options.miner);
  return {
    name: 'lifted',
    normalized: true,
    minImagesPerClass: 2,
    memory: 'pairs',
    compute(input) {
      const { unit, layout } = input;
      return scalarWithGradient(unit, () => {
        const pairs = pairsOf(input);
        const squared = squaredDistances(unit, pairs.candidates);
        const chosen = mined(miner, input, pairs, () => tf.sub(1, tf.mul(squared, 0.5)));
        const distances = distance.of(squared);
        const far = logSumExp(tf.mul(distances, scale), chosen.positives);
        const near = logSumExp(tf.mul(tf.sub(margin, distances), scale), chosen.negatives);
        const violation = tf.relu(tf.div(tf.add(far.value, near.value), scale));
        const value = tf.mean<tf.Scalar>(violation);
        const perDistance = tf.div(tf.mul(tf.sub(far.weights, near.weights), tf.step(violation)), layout.size);
        const perSquared = tf.mul<tf.Tensor2D>(perDistance, distance.slope(distances));
        return { value, gradient: distanceGradient(unit, pairs, attracted(perSquared, pairs, input)) };
      });
    },
  };
}
