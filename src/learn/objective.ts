import type * as tf from '@tensorflow/tfjs-core';
import { unknownName } from '../core/registry.js';
import { unitRows } from './distances/unit-rows.js';
import { weightedSum } from './gradient.js';
import { type BatchLayout, type BatchShape, checkBatchShape } from './losses/batch-layout.js';
import type { BatchContext, Loss, OwnParameters } from './losses/loss.js';
import { createLoss, losses } from './losses/registry.js';
import { createRegularizer, regularizers } from './regularizers/registry.js';
import type { Regularizer } from './regularizers/regularizer.js';
import type { TrainSettings } from './settings.js';

export interface ObjectiveParts {
  readonly loss: Loss;
  readonly regularizer: Regularizer;
  /** Weight of the regularizer's penalty, ≥ 0. Absent: the regularizer's own for this loss. */
  readonly lambda?: number | undefined;
}

/** What a step minimises, and its parts for the log. Scalars, but for `attraction`. */
export interface ObjectiveValue {
  readonly total: tf.Scalar;
  readonly loss: tf.Scalar;
  /** R before λ; absent when the regularizer has no penalty. */
  readonly penalty?: tf.Scalar;
  /** [M] the gate's weights; absent without a gate. */
  readonly attraction?: tf.Tensor1D;
}

export interface Objective {
  readonly lambda: number;
  readonly needsReference: boolean;
  /** Parameters of the loss's own, such as proxies; with them `compute` needs `context.own`. */
  readonly own: OwnParameters | undefined;
  /**
   * @param embeddings [B, D] as the network gives them, before L2 normalisation; `total` is differentiable in them
   * @param reference [B, F] unit-length frozen features, when `needsReference`
   * @param context for losses that look beyond the batch
   */
  compute(
    embeddings: tf.Tensor2D,
    layout: BatchLayout,
    reference?: tf.Tensor2D,
    context?: BatchContext,
  ): ObjectiveValue;
}

/** A loss with a density term on top. Call `compute` inside a tidy or a gradient. */
export function createObjective({ loss, regularizer, lambda: given }: ObjectiveParts): Objective {
  const lambda = given ?? regularizer.defaultLambda(loss.name);
  return {
    lambda,
    needsReference: regularizer.needsReference,
    own: loss.own,
    compute(embeddings, layout, reference, context) {
      const unit = unitRows(embeddings);
      const attraction = regularizer.attraction?.({ unit, layout, reference });
      const value = loss.compute({ embeddings, unit, layout, attraction, context });
      const penalty = lambda > 0 ? regularizer.penalty?.({ unit, layout, reference }) : undefined;
      return {
        total: penalty ? weightedSum(value, penalty, lambda) : value,
        loss: value,
        ...(penalty ? { penalty } : {}),
        ...(attraction ? { attraction } : {}),
      };
    },
  };
}

/**
 * Checks before anything is loaded that a loss and a regularizer are known and that a batch gives them what they need.
 * @throws KindredError unknown-name with the known ones and the closest, invalid-option naming the flag
 */
export function validateCombination(loss: string, regularizer: string, batch: BatchShape): void {
  if (!losses.names.includes(loss)) throw unknownName('loss', loss, losses.names, '--loss');
  if (!regularizers.names.includes(regularizer)) {
    throw unknownName('regularizer', regularizer, regularizers.names, '--regularizer');
  }
  checkBatchShape(batch, createLoss(loss).minImagesPerClass);
}

/** What the objective of a run depends on. */
export type ObjectiveSettings = Pick<
  TrainSettings,
  'loss' | 'lossOptions' | 'regularizer' | 'regularizerOptions' | 'lambda' | 'classesPerBatch' | 'imagesPerClass'
>;

/**
 * The objective of a run, checked before anything is loaded.
 * @throws KindredError unknown-name, invalid-option
 */
export function objectiveFor(settings: ObjectiveSettings): Objective {
  validateCombination(settings.loss, settings.regularizer, settings);
  return createObjective({
    loss: createLoss(settings.loss, settings.lossOptions),
    regularizer: createRegularizer(settings.regularizer, settings.regularizerOptions),
    lambda: settings.lambda,
  });
}
