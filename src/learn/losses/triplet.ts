import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { distanceName, withMargin } from '../distances/registry.js';
import { squaredDistances } from '../distances/squared-euclidean.js';
import { scalarWithGradient } from '../gradient.js';
import { tripletMiner } from '../miners/registry.js';
import { perRow } from './batch-layout.js';
import type { Loss } from './loss.js';
import { marginsOf } from './margins.js';
import { randomOf } from './mined.js';
import { distanceGradient, pairsOf } from './pairs.js';
import { tripletRows } from './triplet-rows.js';

export const tripletOptions = z.strictObject({
  /** By how much a negative must be farther than the positive; the default is 0.2 in squared distance. */
  margin: z.number().positive().max(4).optional(),
  distance: distanceName.default('squared'),
  /** How negatives are chosen: semi-hard, hard, all or distance-weighted. */
  miner: z.string().default('semi-hard'),
});

const margins = { euclidean: 0.2, squared: 0.2, cosine: 0.1 } as const;

/**
 * Triplet loss (FaceNet, Schroff et al. 2015): max(0, δ(a, p) − δ(a, n) + margin) over the triplets that the miner chose,
 * on squared distances. A cross-batch memory gives negatives. The attraction scales the gradient of δ(a, p) and leaves
 * the value.
 * @throws KindredError unknown-name for an unknown miner, invalid-option for one that chooses no triplets and for a
 * margin that the distance never reaches
 */
export function createTriplet(options: z.infer<typeof tripletOptions>): Loss {
  const { distance, margin } = withMargin(options.distance, options.margin, margins);
  const miner = tripletMiner(options.miner);
  return {
    name: 'triplet',
    normalized: true,
    minImagesPerClass: 2,
    memory: 'negatives',
    scalesMargins: true,
    compute(input) {
      const { unit, layout, attraction } = input;
      return scalarWithGradient(unit, () => {
        const { anchors, positives: inBatch } = tripletRows(layout);
        const pairs = pairsOf(input);
        const rows = anchors.shape[0];
        const past = pairs.candidates.shape[0] - layout.size;
        const positives: tf.Tensor2D = past > 0 ? tf.concat([inBatch, tf.zeros([rows, past])], 1) : inBatch;
        const distances = distance.of(squaredDistances(unit, pairs.candidates));
        const toAll = tf.matMul<tf.Tensor2D>(anchors, distances);
        const toPositive: tf.Tensor2D = tf.sum(tf.mul(toAll, positives), 1, true);
        const negatives = tf.matMul<tf.Tensor2D>(anchors, pairs.negatives);
        const squared = (): tf.Tensor2D => distance.squared(toAll);
        const [dim, random] = [unit.shape[1], randomOf(input)];
        const weights = miner.choose({ toAll, toPositive, negatives, squared, dim, random });

        const ofRows = marginsOf(margin, input);
        const limit = typeof ofRows === 'number' ? ofRows : tf.matMul(anchors, ofRows);
        const violation = tf.relu(tf.add(tf.sub(toPositive, toAll), limit));
        const active = tf.mul(tf.step(violation), weights);
        const divisor = miner.averageOver === 'pairs' ? rows : tf.maximum(tf.sum(active), 1);
        const value: tf.Scalar = tf.div(tf.sum(tf.mul(violation, weights)), divisor);

        let pull = tf.sum(active, 1, true);
        if (attraction) pull = tf.mul(pull, tf.matMul(anchors, perRow(attraction, layout)));
        const perPair = tf.div(tf.sub(tf.mul(positives, pull), active), divisor);
        const perDistance = tf.matMul<tf.Tensor2D>(anchors, perPair, true, false);
        const perSquared = tf.mul<tf.Tensor2D>(perDistance, distance.slope(distances));
        return { value, gradient: distanceGradient(unit, pairs, perSquared) };
      });
    },
  };
}
