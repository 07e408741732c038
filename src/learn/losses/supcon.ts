import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { scalarWithGradient } from '../gradient.js';
import { pairMiner } from '../miners/registry.js';
import { logSumExp } from './log-sum-exp.js';
import type { Loss } from './loss.js';
import { mined } from './mined.js';
import { attracted, pairsOf, similarities, similarityGradient } from './pairs.js';

export const supconOptions = z.strictObject({
  /** τ: similarities are divided by it. */
  temperature: z.number().min(0.005).max(10).default(0.1),
  /** Which pairs count, in the numerator and in the sum below. */
  miner: z.string().default('all'),
});

/**
 * Supervised contrastive loss (Khosla et al., NeurIPS 2020, arXiv 2004.11362, equation 2: the sum outside of the logarithm), which
 * is NT-Xent with labels: the mean over anchors, and over their positives p, of −log(exp(s_ap/τ) / Σ_j exp(s_aj/τ)), j being
 * every other image.
 * @throws KindredError unknown-name for an unknown miner
 */
export function createSupcon({ temperature, miner: name }: z.infer<typeof supconOptions>): Loss {
  const miner = pairMiner(name);
  return {
    name: 'supcon',
    normalized: true,
    minImagesPerClass: 2,
    memory: 'pairs',
    compute(input) {
      const { unit } = input;
      return scalarWithGradient(unit, () => {
        const pairs = pairsOf(input);
        const s = similarities(unit, pairs);
        const { positives, negatives } = mined(miner, input, pairs, () => s);
        const logits = tf.div<tf.Tensor2D>(s, temperature);
        const { value: total, weights } = logSumExp(logits, tf.add(positives, negatives));
        // An anchor to which mining has left no positive takes no part.
        const count = tf.sum<tf.Tensor2D>(positives, 1, true);
        const share = tf.div<tf.Tensor2D>(positives, tf.maximum(count, 1));
        const takesPart = tf.step<tf.Tensor2D>(count);
        const anchors = tf.maximum(tf.sum(takesPart), 1);
        const perAnchor = tf.sub(tf.mul(total, takesPart), tf.sum(tf.mul(logits, share), 1, true));
        const value: tf.Scalar = tf.div(tf.sum(perAnchor), anchors);
        const perPair = tf.sub(tf.mul(weights, takesPart), share);
        const scaled = tf.div<tf.Tensor2D>(perPair, tf.mul(anchors, temperature));
        return { value, gradient: similarityGradient(unit, pairs, attracted(scaled, pairs, input)) };
      });
    },
  };
}
