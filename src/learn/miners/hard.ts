import * as tf from '@tensorflow/tfjs-core';
import type { TripletMiner } from './miner.js';
import { chooseAt, onlyWhere } from './nearest.js';

/** The nearest negative of each anchor, whether it is nearer than the positive or not. */
export const hard: TripletMiner = {
  chooses: 'triplets',
  name: 'hard',
  averageOver: 'pairs',
  choose({ toAll, negatives }) {
    return chooseAt(tf.min(onlyWhere(negatives, toAll), 1, true), toAll, negatives);
  },
};
