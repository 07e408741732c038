import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { scalarWithGradient } from '../gradient.js';
import { pairMiner } from '../miners/registry.js';
import { logOnePlusSumExp } from './log-sum-exp.js';
import type { Loss } from './loss.js';
import { mined } from './mined.js';
import { attracted, pairsOf, similarities, similarityGradient } from './pairs.js';

export const multiSimilarityOptions = z.strictObject({
  /** α: how sharply positives are told apart. */
  alpha: z.number().positive().max(1000).default(2),
  /** β: how sharply negatives are. */
  beta: z.number().positive().max(1000).default(50),
  /** λ: the similarity around which pairs count. */
  base: z.number().min(-1).max(1).default(0.5),
  /** Which pairs count; the paper's own mining. */
  miner: z.string().default('multi-similarity'),
});

/**
 * Multi-similarity loss (Wang et al., CVPR 2019, arXiv 1904.06627, equation 15), on cosine similarities s: the mean over anchors of
 * (1/α) log(1 + Σ_p exp(−α(s_ap − λ))) + (1/β) log(1 + Σ_n exp(β(s_an − λ))).
 * @throws KindredError unknown-name for an unknown miner
 */
export function createMultiSimilarity(options: z.infer<typeof multiSimilarityOptions>): Loss {
  const { alpha, beta, base } = options;
  const miner = pairMiner(options.miner);
  return {
    name: 'multi-similarity',
    normalized: true,
    minImagesPerClass: 2,
    memory: 'pairs',
    compute(input) {
      const { unit, layout } = input;
      return scalarWithGradient(unit, () => {
        const pairs = pairsOf(input);
        const s = similarities(unit, pairs);
        const chosen = mined(miner, input, pairs, () => s);
        const above = tf.sub<tf.Tensor2D>(s, base);
        const pull = logOnePlusSumExp(tf.mul(above, -alpha), chosen.positives);
        const push = logOnePlusSumExp(tf.mul(above, beta), chosen.negatives);
        const value = tf.mean<tf.Scalar>(tf.add(tf.div(pull.value, alpha), tf.div(push.value, beta)));
        const perPair = tf.div<tf.Tensor2D>(tf.sub(push.weights, pull.weights), layout.size);
        return { value, gradient: similarityGradient(unit, pairs, attracted(perPair, pairs, input)) };
      });
    },
  };
}
