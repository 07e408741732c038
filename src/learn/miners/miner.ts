import type * as tf from '@tensorflow/tfjs-core';

/** Squared distances as a miner of triplets sees them. There are P = B·(K − 1) (anchor, positive) pairs. */
export interface MinerInput {
  /** [P, B] from the anchor of each pair to every image of the batch. */
  readonly toAll: tf.Tensor2D;
  /** [P, 1] from the anchor to the positive. */
  readonly toPositive: tf.Tensor2D;
  /** [P, B]: 1 where the image is of another class than the anchor, else 0. */
  readonly negatives: tf.Tensor2D;
}

/** Chooses the negatives that each (anchor, positive) pair is held against. No gradient flows through the choice. */
export interface Miner {
  readonly name: string;
  /**
   * What the sum over chosen triplets is divided by: 'pairs', when each pair has chosen one negative, or 'active', the
   * number of triplets that violate the margin.
   */
  readonly averageOver: 'pairs' | 'active';
  /** [P, B] weights of the triplets (anchor, positive, image), 0 for those not chosen; ties share a weight of 1. */
  choose(input: MinerInput): tf.Tensor2D;
}
