import * as tf from '@tensorflow/tfjs-core';
import { tripletRows } from '../losses/triplet-rows.js';
import type { Miner, PairMiner } from './miner.js';

/**
 * Any miner as one of pairs: the negatives of an anchor are those that a miner of triplets chose for any of its positives in
 * the batch, and all its positives count.
 */
export function asPairMiner(miner: Miner): PairMiner {
  if (miner.chooses === 'pairs') return miner;
  return {
    chooses: 'pairs',
    name: miner.name,
    choose({ similarities, positives, negatives, layout, dim, random }) {
      // What it would choose is known.
      if (miner.name === 'all') return { positives, negatives };
      const { anchors, positives: positive } = tripletRows(layout);
      const toAll = tf.matMul<tf.Tensor2D>(anchors, tf.relu(tf.sub(2, tf.mul(similarities, 2))));
      const pairs = toAll.shape[0];
      const toBatch = tf.slice(toAll, [0, 0], [pairs, layout.size]);
      const weights = miner.choose({
        toAll,
        toPositive: tf.sum<tf.Tensor2D>(tf.mul(toBatch, positive), 1, true),
        negatives: tf.matMul(anchors, negatives),
        squared: () => toAll,
        dim,
        random,
      });
      const chosen = tf.step(tf.matMul<tf.Tensor2D>(anchors, weights, true, false));
      return { positives, negatives: chosen };
    },
  };
}
