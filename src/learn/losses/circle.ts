import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { scalarWithGradient } from '../gradient.js';
import { pairMiner } from '../miners/registry.js';
import { logSumExp } from './log-sum-exp.js';
import type { Loss } from './loss.js';
import { mined } from './mined.js';
import { attracted, pairsOf, similarities, similarityGradient } from './pairs.js';

export const circleOptions = z.strictObject({
  /** m: positives are pulled to a similarity of 1 − m and more, negatives pushed to m and less. */
  margin: z.number().positive().max(1).default(0.4),
  /** γ: how sharply pairs are told apart. */
  gamma: z.number().positive().max(1000).default(80),
  /** Which pairs count. */
  miner: z.string().default('all'),
});

/**
 * Circle loss (Sun et al., CVPR 2020, arXiv 2002.10857, equations 6 and 8), on cosine similarities s: the mean over anchors of
 * log(1 + Σ_n exp(γ α_n (s_an − m)) · Σ_p exp(−γ α_p (s_ap − 1 + m))) with the weights α_n = max(0, s_an + m) and
 * α_p = max(0, 1 + m − s_ap), through which no gradient flows.
 * @throws KindredError unknown-name for an unknown miner
 */
export function createCircle({ margin, gamma, miner: name }: z.infer<typeof circleOptions>): Loss {
  const miner = pairMiner(name);
  return {
    name: 'circle',
    normalized: true,
    minImagesPerClass: 2,
    memory: 'pairs',
    compute(input) {
      const { unit, layout } = input;
      return scalarWithGradient(unit, () => {
        const pairs = pairsOf(input);
        const s = similarities(unit, pairs);
        const chosen = mined(miner, input, pairs, () => s);
        const pull = tf.mul<tf.Tensor2D>(tf.relu(tf.sub(1 + margin, s)), gamma);
        const push = tf.mul<tf.Tensor2D>(tf.relu(tf.add(s, margin)), gamma);
        const positive = logSumExp(tf.mul(pull, tf.sub(1 - margin, s)), chosen.positives);
        const negative = logSumExp(tf.mul(push, tf.sub(s, margin)), chosen.negatives);
        // About −1e9 where mining has left no pair of a kind: nothing to compare.
        const both = tf.add(positive.value, negative.value);
        const value = tf.mean<tf.Scalar>(tf.add(tf.relu(both), tf.log1p(tf.exp(tf.neg(tf.abs(both))))));
        const perPair = tf.sub(tf.mul(negative.weights, push), tf.mul(positive.weights, pull));
        const scaled = tf.mul<tf.Tensor2D>(perPair, tf.div(tf.sigmoid(both), layout.size));
        return { value, gradient: similarityGradient(unit, pairs, attracted(scaled, pairs, input)) };
      });
    },
  };
}
