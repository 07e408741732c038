import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { squaredDistanceGradient, squaredDistances } from '../distances/squared-euclidean.js';
import { scalarWithGradient } from '../gradient.js';
import { miners } from '../miners/registry.js';
import { type BatchLayout, perRow } from './batch-layout.js';
import type { Loss } from './loss.js';

export const tripletOptions = z.strictObject({
  /** In squared Euclidean distance of unit vectors, 0 … 4. */
  margin: z.number().positive().max(4).default(0.2),
  /** How negatives are chosen: semi-hard, hard or all. */
  miner: z.string().default('semi-hard'),
});

/** The P = B·(K − 1) (anchor, positive) pairs, as constants [P, B]. */
function pairsOf(layout: BatchLayout): { anchors: tf.Tensor2D; positives: tf.Tensor2D; negatives: tf.Tensor2D } {
  const { size, imagesPerClass, classOf } = layout;
  const others = imagesPerClass - 1;
  const anchorOf = (pair: number): number => Math.floor(pair / others);
  const positiveOf = (pair: number): number => {
    const anchor = anchorOf(pair);
    const first = classOf(anchor) * imagesPerClass;
    const candidate = first + (pair % others);
    return candidate < anchor ? candidate : candidate + 1;
  };
  const shape = [size * others, size] as const;
  return {
    anchors: layout.matrix('triplet-anchors', shape, (pair, row) => (anchorOf(pair) === row ? 1 : 0)),
    positives: layout.matrix('triplet-positives', shape, (pair, row) => (positiveOf(pair) === row ? 1 : 0)),
    negatives: layout.matrix('triplet-negatives', shape, (pair, row) =>
      classOf(anchorOf(pair)) === classOf(row) ? 0 : 1,
    ),
  };
}

/**
 * Triplet loss (FaceNet, Schroff et al. 2015) on squared distances: max(0, d²(a, p) − d²(a, n) + margin) over the
 * triplets that the miner chose. The attraction scales the gradient of d²(a, p) and leaves the value.
 * @throws KindredError unknown-name for an unknown miner
 */
export function createTriplet(options: z.infer<typeof tripletOptions>): Loss {
  const miner = miners.get(options.miner);
  return {
    name: 'triplet',
    normalized: true,
    minImagesPerClass: 2,
    compute({ unit, layout, attraction }) {
      return scalarWithGradient(unit, () => {
        const { anchors, positives, negatives } = pairsOf(layout);
        const toAll = tf.matMul<tf.Tensor2D>(anchors, squaredDistances(unit));
        const toPositive: tf.Tensor2D = tf.sum(tf.mul(toAll, positives), 1, true);
        const weights = miner.choose({ toAll, toPositive, negatives });

        const violation = tf.relu(tf.add(tf.sub(toPositive, toAll), options.margin));
        const active = tf.mul(tf.step(violation), weights);
        const divisor = miner.averageOver === 'pairs' ? anchors.shape[0] : tf.maximum(tf.sum(active), 1);
        const value: tf.Scalar = tf.div(tf.sum(tf.mul(violation, weights)), divisor);

        let pull = tf.sum(active, 1, true);
        if (attraction) pull = tf.mul(pull, tf.matMul(anchors, perRow(attraction, layout)));
        const perPair = tf.div(tf.sub(tf.mul(positives, pull), active), divisor);
        const perDistance = tf.matMul<tf.Tensor2D>(anchors, perPair, true, false);
        return { value, gradient: squaredDistanceGradient(unit, perDistance) };
      });
    },
  };
}
