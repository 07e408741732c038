import * as tf from '@tensorflow/tfjs-core';
import type { PairMiner } from './miner.js';

/** ε of the paper. */
const slack = 0.1;
/** Similarities of unit vectors are far inside of it. */
const outside = 1e3;

/**
 * The informative pairs of each anchor (Wang et al., Multi-Similarity Loss, CVPR 2019, equations 10 and 11): negatives more
 * similar than its least similar positive − ε, positives less similar than its most similar negative + ε.
 */
export const multiSimilarity: PairMiner = {
  chooses: 'pairs',
  name: 'multi-similarity',
  choose({ similarities, positives, negatives }) {
    const leastPositive = tf.min(tf.add(similarities, tf.mul(tf.sub(1, positives), outside)), 1, true);
    const mostNegative = tf.max(tf.sub(similarities, tf.mul(tf.sub(1, negatives), outside)), 1, true);
    const hardNegatives = tf.cast(tf.greater(similarities, tf.sub(leastPositive, slack)), 'float32');
    const hardPositives = tf.cast(tf.less(similarities, tf.add(mostNegative, slack)), 'float32');
    return { positives: tf.mul(positives, hardPositives), negatives: tf.mul(negatives, hardNegatives) };
  },
};
