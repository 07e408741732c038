import * as tf from '@tensorflow/tfjs-core';
import { squaredDistanceGradient, squaredDistances } from './distances/squared-euclidean.js';
import { scalarWithGradient } from './gradient.js';
import { type BatchLayout, perRow } from './losses/batch-layout.js';

/** Beside it every squared distance between class means is small, so a class is never its own neighbour. */
const farAway = 1e9;
/** Keeps logarithms and ratios finite for a class that has collapsed to a point. */
export const densityEpsilon = 1e-6;

export const defaultNeighbours = 3;

/** −log(v + 1e-6): [M] */
export const logDensityOf = (spread: tf.Tensor1D): tf.Tensor1D =>
  tf.neg(tf.log(tf.add<tf.Tensor1D>(spread, densityEpsilon)));

/** How concentrated each class of a batch is. All are [M] and constants: no gradient flows through them. */
export interface DensityStatistics {
  /** v = Σ‖z − μ‖² / (K − 1): 0 … 2 on the unit sphere. */
  readonly spread: tf.Tensor1D;
  /** D: mean squared distance to the nearest other class means of the batch. */
  readonly gap: tf.Tensor1D;
  /** v / (D + 1e-6). Below about 0.3 a class is tighter than it needs to be. */
  readonly ratio: tf.Tensor1D;
  /** −log(v + 1e-6) */
  readonly logDensity: tf.Tensor1D;
}

/** μ of every class [M, D], and the matrix [M, B] that makes them. Call it inside a tidy. */
export function classMeans(unit: tf.Tensor2D, layout: BatchLayout): { means: tf.Tensor2D; averaging: tf.Tensor2D } {
  const { classesPerBatch, imagesPerClass, size, classOf } = layout;
  const averaging = layout.matrix('class-mean', [classesPerBatch, size], (c, row) =>
    classOf(row) === c ? 1 / imagesPerClass : 0,
  );
  return { means: tf.matMul(averaging, unit), averaging };
}

/** Each embedding minus the mean of its class: [B, D]. */
function centre(unit: tf.Tensor2D, layout: BatchLayout): tf.Tensor2D {
  const { imagesPerClass, size, classOf } = layout;
  const centring = layout.matrix(
    'class-centring',
    [size, size],
    (i, j) => (i === j ? 1 : 0) - (classOf(i) === classOf(j) ? 1 / imagesPerClass : 0),
  );
  return tf.matMul(centring, unit);
}

function spreadOf(centred: tf.Tensor2D, { classesPerBatch, imagesPerClass }: BatchLayout): tf.Tensor1D {
  const sums = tf.sum<tf.Tensor1D>(tf.reshape(tf.square(centred), [classesPerBatch, -1]), 1);
  return tf.div(sums, imagesPerClass - 1);
}

/** The gradient [B, D] of Σ_c perSpread_c · v_c, perSpread being constants. */
function spreadGradient(centred: tf.Tensor2D, perSpread: tf.Tensor1D, layout: BatchLayout): tf.Tensor2D {
  // The mean moves too, but its part sums to zero over the class.
  const scale = tf.mul<tf.Tensor1D>(perSpread, 2 / (layout.imagesPerClass - 1));
  return tf.mul(centred, perRow(scale, layout));
}

/** D with the weight of every squared distance between means in it: gap_c = Σ_j weights_cj ‖μ_c − μ_j‖². */
function gapOf(
  means: tf.Tensor2D,
  layout: BatchLayout,
  neighbours: number,
): { readonly gap: tf.Tensor1D; readonly weights: () => tf.Tensor2D } {
  const m = layout.classesPerBatch;
  const count = Math.min(neighbours, m - 1);
  const itself = layout.matrix('class-itself', [m, m], (i, j) => (i === j ? farAway : 0));
  const nearest = tf.topk(tf.neg(tf.add(squaredDistances(means), itself)), count);
  return {
    gap: tf.neg(tf.mean<tf.Tensor1D>(nearest.values, 1)),
    weights: () => tf.div(tf.sum(tf.oneHot(nearest.indices, m), 1), count),
  };
}

/**
 * The gap without the part that is sampling noise: the means of K samples lie (v_c + v_j) / K farther apart, squared and on
 * average, than the classes themselves. The neighbours are those of the plain gap. Floored at 1e-6: the estimate can be negative.
 */
function withoutNoise(gap: tf.Tensor1D, spread: tf.Tensor1D, weights: tf.Tensor2D, layout: BatchLayout): tf.Tensor1D {
  const ofNeighbours = tf.reshape(tf.matMul(weights, tf.reshape(spread, [-1, 1])), [-1]);
  const noise = tf.div(tf.add(spread, ofNeighbours), layout.imagesPerClass);
  return tf.maximum(tf.sub(gap, noise), densityEpsilon);
}

/**
 * Spread, gap, ratio and log-density of every class, from unit-length embeddings [B, D]. With fewer than `neighbours`
 * other classes in the batch, the gap is over all of them. Call it inside a tidy.
 * @param debiased D = max(1e-6, mean of ‖μ_c − μ_j‖² − (v_c + v_j) / K) instead
 */
export function densityStatistics(
  unit: tf.Tensor2D,
  layout: BatchLayout,
  neighbours: number = defaultNeighbours,
  debiased = false,
): DensityStatistics {
  const spread = spreadOf(centre(unit, layout), layout);
  const { gap: plain, weights } = gapOf(classMeans(unit, layout).means, layout, neighbours);
  const gap = debiased ? withoutNoise(plain, spread, weights(), layout) : plain;
  return {
    spread,
    gap,
    ratio: tf.div<tf.Tensor1D>(spread, tf.add(gap, densityEpsilon)),
    logDensity: logDensityOf(spread),
  };
}

/** A penalty on (v, D) and its derivatives [M]. Without `perGap` the gap is a constant (stop-gradient). */
export interface DensityPenalty {
  readonly value: tf.Scalar;
  readonly perSpread: tf.Tensor1D;
  readonly perGap?: tf.Tensor1D;
}

/** A penalty on spread and gap as a differentiable function of the unit-length embeddings [B, D]. */
export function penaliseDensity(
  unit: tf.Tensor2D,
  layout: BatchLayout,
  neighbours: number,
  penalty: (spread: tf.Tensor1D, gap: tf.Tensor1D) => DensityPenalty,
): tf.Scalar {
  return scalarWithGradient(unit, () => {
    const centred = centre(unit, layout);
    const { means, averaging } = classMeans(unit, layout);
    const { gap, weights } = gapOf(means, layout, neighbours);
    const { value, perSpread, perGap } = penalty(spreadOf(centred, layout), gap);
    const bySpread = spreadGradient(centred, perSpread, layout);
    if (!perGap) return { value, gradient: bySpread };
    const perDistance: tf.Tensor2D = tf.mul(weights(), tf.reshape(perGap, [-1, 1]));
    const byGap = tf.matMul<tf.Tensor2D>(averaging, squaredDistanceGradient(means, perDistance), true, false);
    return { value, gradient: tf.add(bySpread, byGap) };
  });
}

/** The same for a penalty on the spread alone. */
export function penaliseSpread(
  unit: tf.Tensor2D,
  layout: BatchLayout,
  penalty: (spread: tf.Tensor1D) => Pick<DensityPenalty, 'value' | 'perSpread'>,
): tf.Scalar {
  return scalarWithGradient(unit, () => {
    const centred = centre(unit, layout);
    const { value, perSpread } = penalty(spreadOf(centred, layout));
    return { value, gradient: spreadGradient(centred, perSpread, layout) };
  });
}

/** mean_c (x_c − mean of x)² for x = log-density plus a constant of each class: how unlike the classes of a batch are in x. */
export function deviationPenalty(spread: tf.Tensor1D, x: tf.Tensor1D): Pick<DensityPenalty, 'value' | 'perSpread'> {
  const deviation = tf.sub<tf.Tensor1D>(x, tf.mean(x));
  // dx/dv = −1 / (v + ε). The part of the mean sums to zero.
  const scale = tf.mul<tf.Tensor1D>(deviation, -2 / spread.size);
  return {
    value: tf.mean<tf.Scalar>(tf.square(deviation)),
    perSpread: tf.div<tf.Tensor1D>(scale, tf.add(spread, densityEpsilon)),
  };
}
