import * as tf from '@tensorflow/tfjs-core';
import { squaredDistanceGradient } from '../distances/squared-euclidean.js';
import { negativePairs, perRow, positivePairs } from './batch-layout.js';
import type { LossInput } from './loss.js';

/** Every image of the batch beside all that it is compared with: the batch itself, then the cross-batch memory. */
export interface Pairs {
  /** [N, D] of unit length, N = B + Q. */
  readonly candidates: tf.Tensor2D;
  /** [B, N]: 1 for two different images of one class. An image's own earlier embeddings count as such. */
  readonly positives: tf.Tensor2D;
  /** [B, N]: 1 for images of different classes. */
  readonly negatives: tf.Tensor2D;
}

type Input = Pick<LossInput, 'unit' | 'layout' | 'attraction' | 'context'>;

export function pairsOf({ unit, layout, context }: Input): Pairs {
  const inBatch = { candidates: unit, positives: positivePairs(layout), negatives: negativePairs(layout) };
  if (!context?.past) return inBatch;
  const { classes, past } = context;
  const same: tf.Tensor2D = tf.cast(
    tf.equal<tf.Tensor2D>(
      tf.tensor2d(classes, [classes.length, 1]),
      tf.tensor2d(past.classes, [1, past.classes.length]),
    ),
    'float32',
  );
  return {
    candidates: tf.concat([unit, past.unit], 0),
    positives: tf.concat([inBatch.positives, same], 1),
    negatives: tf.concat([inBatch.negatives, tf.sub<tf.Tensor2D>(1, same)], 1),
  };
}

/** [B, N] dot products of the batch's rows with all candidates. */
export function similarities(unit: tf.Tensor2D, { candidates }: Pairs): tf.Tensor2D {
  return tf.matMul(unit, candidates, false, true);
}

/** `perPair` [B, N] with the pull on each class's positive pairs scaled by the attraction. */
export function attracted(perPair: tf.Tensor2D, { positives }: Pairs, { attraction, layout }: Input): tf.Tensor2D {
  if (!attraction) return perPair;
  const less = tf.sub(perRow(attraction, layout), 1);
  return tf.mul(perPair, tf.add(tf.mul(positives, less), 1));
}

/** [B, N] in its part for the batch and its part for the memory; the memory's rows stand still. */
function inParts(
  perPair: tf.Tensor2D,
  candidates: tf.Tensor2D,
): { own: tf.Tensor2D; past?: { perPair: tf.Tensor2D; rows: tf.Tensor2D } } {
  const size = perPair.shape[0];
  if (candidates.shape[0] === size) return { own: perPair };
  return {
    own: tf.slice(perPair, [0, 0], [size, size]),
    past: { perPair: tf.slice(perPair, [0, size]), rows: tf.slice(candidates, [size, 0]) },
  };
}

/** The gradient with respect to the batch's rows [B, D] of Σ g_ij (a_i · c_j), `perPair` being g. */
export function similarityGradient(unit: tf.Tensor2D, { candidates }: Pairs, perPair: tf.Tensor2D): tf.Tensor2D {
  const { own, past } = inParts(perPair, candidates);
  const among = tf.matMul<tf.Tensor2D>(tf.add<tf.Tensor2D>(own, tf.transpose(own)), unit);
  return past ? tf.add(among, tf.matMul(past.perPair, past.rows)) : among;
}

/** The gradient with respect to the batch's rows [B, D] of Σ g_ij ‖a_i − c_j‖², `perPair` being g. */
export function distanceGradient(unit: tf.Tensor2D, { candidates }: Pairs, perPair: tf.Tensor2D): tf.Tensor2D {
  const { own, past } = inParts(perPair, candidates);
  const among = squaredDistanceGradient(unit, own);
  if (!past) return among;
  const outward = tf.mul(tf.sum(past.perPair, 1, true), unit);
  return tf.add(among, tf.mul(tf.sub(outward, tf.matMul(past.perPair, past.rows)), 2));
}
