import * as tf from '@tensorflow/tfjs-core';
import type { TripletMiner } from './miner.js';

/** Every triplet that is not easy: the loss is averaged over those that violate the margin. */
export const all: TripletMiner = {
  chooses: 'triplets',
  name: 'all',
  averageOver: 'active',
  choose: ({ negatives }) => tf.clone(negatives),
};
