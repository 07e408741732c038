import * as tf from '@tensorflow/tfjs-core';
import type { TripletMiner } from './miner.js';
import { chooseAt, onlyWhere, outOfReach } from './nearest.js';

/**
 * FaceNet's semi-hard negatives: the nearest negative that is farther from the anchor than the positive is; where there
 * is none, the farthest negative.
 */
export const semiHard: TripletMiner = {
  chooses: 'triplets',
  name: 'semi-hard',
  averageOver: 'pairs',
  choose({ toAll, toPositive, negatives }) {
    const farther = tf.mul<tf.Tensor2D>(tf.cast(tf.greater(toAll, toPositive), 'float32'), negatives);
    const nearest = tf.min<tf.Tensor2D>(onlyWhere(farther, toAll), 1, true);
    const farthest = tf.max<tf.Tensor2D>(tf.mul(toAll, negatives), 1, true);
    const distance = tf.where(tf.less(nearest, outOfReach / 2), nearest, farthest);
    return chooseAt(distance, toAll, negatives);
  },
};
