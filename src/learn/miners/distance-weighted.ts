import * as tf from '@tensorflow/tfjs-core';
import type { TripletMiner } from './miner.js';

/** Distances below it count as it: what is nearer is mostly noise, and its weight would have no bound. */
const least = 0.5;
/** Negatives farther away cost nothing under the usual margins. */
const most = 1.4;
/** Logarithms of weights are far inside of it. */
const outOfReach = 1e6;

/**
 * Distance-weighted sampling (Wu et al., Sampling Matters in Deep Embedding Learning, ICCV 2017, section 4.1): one negative a pair,
 * drawn with a probability ∝ 1 / q(d), q being the density of distances between uniform points of the sphere,
 * log q(d) = (D − 2) log d + (D − 3)/2 · log(1 − d²/4). So near and far ones come equally often. d is cut at 0.5 from
 * below and at 1.4 from above; a pair with none nearer than 1.4 draws evenly from all. The draw is a function of the seed and the step.
 */
export const distanceWeighted: TripletMiner = {
  chooses: 'triplets',
  name: 'distance-weighted',
  averageOver: 'pairs',
  choose({ squared, negatives, dim, random }) {
    const [pairs, images] = negatives.shape;
    const distance = tf.clipByValue(tf.sqrt(squared()), least, most);
    const within = tf.cast(tf.less(distance, most), 'float32');
    const logDensity = tf.add(
      tf.mul(tf.log(distance), dim - 2),
      tf.mul(tf.log(tf.sub(1, tf.div(tf.square(distance), 4))), (dim - 3) / 2),
    );
    const near = tf.mul<tf.Tensor2D>(negatives, within);
    const none = tf.sub<tf.Tensor2D>(1, tf.step(tf.sum(near, 1, true)));
    const eligible = tf.add(near, tf.mul(none, negatives));
    // The largest of log-weight + Gumbel noise is a draw by weight. The small terms keep logarithms finite.
    const noise = Float32Array.from({ length: pairs * images }, () => -Math.log(1e-12 - Math.log(1e-12 + random())));
    const scores = tf.sub(tf.tensor2d(noise, [pairs, images]), tf.mul(logDensity, within));
    const drawn = tf.argMax(tf.sub(scores, tf.mul(tf.sub(1, eligible), outOfReach)), 1);
    return tf.reshape(tf.cast(tf.oneHot(drawn, images), 'float32'), [pairs, images]);
  },
};
