import type * as tf from '@tensorflow/tfjs-core';
import type { Random } from '../../core/random.js';
import type { BatchLayout } from '../losses/batch-layout.js';

/**
 * Distances as a miner of triplets sees them. There are P = B·(K − 1) (anchor, positive) pairs, and N images to choose
 * from: those of the batch, then those of the cross-batch memory.
 */
export interface TripletMinerInput {
  /** [P, N] squared Euclidean distances of unit vectors, or any that order images alike, from the anchor of each pair. */
  readonly toAll: tf.Tensor2D;
  /** [P, 1] from the anchor to the positive. */
  readonly toPositive: tf.Tensor2D;
  /** [P, N]: 1 where the image is of another class than the anchor, else 0. */
  readonly negatives: tf.Tensor2D;
  /** `toAll` as squared Euclidean distances. */
  readonly squared: () => tf.Tensor2D;
  /** D, the length of an embedding. */
  readonly dim: number;
  readonly random: Random;
}

/** Chooses the negatives that each (anchor, positive) pair is held against. No gradient flows through the choice. */
export interface TripletMiner {
  readonly chooses: 'triplets';
  readonly name: string;
  /**
   * What the sum over chosen triplets is divided by: 'pairs', when each pair has chosen one negative, or 'active', the
   * number of triplets that violate the margin.
   */
  readonly averageOver: 'pairs' | 'active';
  /** [P, N] weights of the triplets (anchor, positive, image), 0 for those not chosen; ties share a weight of 1. */
  choose(input: TripletMinerInput): tf.Tensor2D;
}

/** The pairs of every image of the batch with N others, as a miner of pairs sees them. */
export interface PairMinerInput {
  /** [B, N] dot products of unit vectors. */
  readonly similarities: tf.Tensor2D;
  /** [B, N]: 1 for pairs of one class. */
  readonly positives: tf.Tensor2D;
  /** [B, N]: 1 for pairs of different classes. */
  readonly negatives: tf.Tensor2D;
  readonly layout: BatchLayout;
  readonly dim: number;
  readonly random: Random;
}

/** [B, N] each: 1 for the pairs that count, a part of those that there are. */
export interface ChosenPairs {
  readonly positives: tf.Tensor2D;
  readonly negatives: tf.Tensor2D;
}

/** Chooses the pairs that an image takes part in. No gradient flows through the choice. */
export interface PairMiner {
  readonly chooses: 'pairs';
  readonly name: string;
  choose(input: PairMinerInput): ChosenPairs;
}

export type Miner = TripletMiner | PairMiner;
