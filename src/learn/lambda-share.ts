import * as tf from '@tensorflow/tfjs-core';
import { KindredError } from '../core/errors.js';
import type { Remembered } from '../core/remembered.js';
import { differentiable } from './gradient.js';

/** How much of the running mean of the norms is kept at each step. */
const kept = 0.9;
/** λ stays within this factor of the fixed one: a penalty whose gradient fades away must not make it grow without end. */
const bound = 100;

/** λ that follows the run: the penalty's gradient is held at a share of the loss's. */
export interface AdaptiveLambda {
  /**
   * λ for a step, from the norms of both gradients at it: share · mean‖∇L‖ / mean‖∇R‖, running means over about ten steps,
   * within a factor of 100 of the fixed λ. A step at which the penalty has no gradient does not count in its mean.
   */
  next(lossNorm: number, penaltyNorm: number): number;
  readonly remembered: Remembered;
}

/** @param lambda the fixed λ > 0 it starts from and stays near */
export function createAdaptiveLambda(share: number, lambda: number): AdaptiveLambda {
  // Single precision from the start: what a checkpoint holds is then all there is, and resuming is exact. NaN: none yet.
  const means = new Float32Array(2).fill(NaN);
  const follow = (index: number, norm: number): number => {
    const before = means[index] ?? NaN;
    means[index] = Number.isNaN(before) ? norm : kept * before + (1 - kept) * norm;
    return means[index] ?? NaN;
  };
  return {
    next(lossNorm, penaltyNorm) {
      const ofLoss = Number.isFinite(lossNorm) ? follow(0, lossNorm) : NaN;
      const counts = penaltyNorm > 0 && Number.isFinite(penaltyNorm);
      const ofPenalty = counts ? follow(1, penaltyNorm) : (means[1] ?? NaN);
      if (Number.isNaN(ofLoss) || Number.isNaN(ofPenalty)) return lambda;
      return Math.min(bound * lambda, Math.max(lambda / bound, (share * ofLoss) / ofPenalty));
    },
    remembered: {
      save: () => new Map([['norms', means.slice()]]),
      restore(arrays) {
        const norms = arrays.get('norms');
        if (norms?.length !== means.length)
          throw new KindredError(
            'checkpoint-invalid',
            'the checkpoint does not hold what --lambda-share had measured',
            {
              hint: 'Train from the start, without --resume.',
            },
          );
        means.set(norms);
      },
    },
  };
}

/** A scalar with its gradients, none of which depends on anything any more. */
interface Measured {
  readonly value: tf.Scalar;
  readonly grads: tf.Tensor[];
}

const normOf = (gradient: tf.Tensor | undefined): number =>
  gradient ? (tf.sqrt(tf.sum(tf.square(gradient))).dataSync()[0] ?? 0) : 0;

export interface Balanced {
  readonly total: tf.Scalar;
  readonly loss: tf.Scalar;
  readonly penalty: tf.Scalar;
  readonly lambda: number;
}

/**
 * loss + λ·penalty with the λ that the norms of their gradients with respect to the embeddings ask for. Each is evaluated once:
 * the total knows its gradient already.
 * @param inputs the embeddings [B, D], then the loss's own parameters
 * @param choose λ from the norm of the loss's gradient and that of the penalty's
 */
export function balance(
  inputs: readonly [tf.Tensor2D, ...tf.Tensor[]],
  loss: () => tf.Scalar,
  penalty: () => tf.Scalar,
  choose: (lossNorm: number, penaltyNorm: number) => number,
): Balanced {
  const [embeddings] = inputs;
  const a: Measured = tf.valueAndGrads<tf.Scalar>(loss)([...inputs]);
  const b: Measured = tf.valueAndGrads<tf.Scalar>(penalty)([embeddings]);
  const lambda = choose(normOf(a.grads[0]), normOf(b.grads[0]));
  const total = differentiable<tf.Scalar>(
    inputs,
    () => ({
      value: tf.add<tf.Scalar>(a.value, tf.mul(b.value, lambda)),
      saved: a.grads.map((grad, i) => {
        const other = b.grads[i];
        return other ? tf.add(grad, tf.mul(other, lambda)) : tf.clone(grad);
      }),
    }),
    (dy, saved) => saved.map((grad) => tf.mul(grad, dy)),
  );
  return { total, loss: a.value, penalty: b.value, lambda };
}
