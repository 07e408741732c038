import type * as tf from '@tensorflow/tfjs-core';
import { createRandom } from '../core/random.js';
import { KindredError } from '../core/errors.js';
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
  /** Seed of a regularizer that draws by lot; default: 0. */
  readonly seed?: number | undefined;
}

/** The batch as the objective sees it. */
export interface StepContext extends BatchContext {
  /** Number of the step, from 0; absent: 0. */
  readonly step?: number | undefined;
  /** [B, F] unit-length frozen features, when `needsReference`. */
  readonly reference?: tf.Tensor2D | undefined;
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
   * @param context for losses and regularizers that look beyond the batch's embeddings
   */
  compute(embeddings: tf.Tensor2D, layout: BatchLayout, context?: StepContext): ObjectiveValue;
}

/** A loss with a density term on top. Call `compute` inside a tidy or a gradient. */
export function createObjective({ loss, regularizer, lambda: given, seed = 0 }: ObjectiveParts): Objective {
  const lambda = given ?? regularizer.defaultLambda(loss.name);
  return {
    lambda,
    needsReference: regularizer.needsReference,
    own: loss.own,
    compute(embeddings, layout, context) {
      const unit = unitRows(embeddings);
      // A stream of its own: the loss draws the same numbers with and without a regularizer, so that runs stay paired.
      const random = createRandom('regularizer', seed, context?.step ?? 0);
      const input = { unit, layout, reference: context?.reference, random };
      const attraction = regularizer.attraction?.(input);
      const value = loss.compute({ embeddings, unit, layout, attraction, context });
      const penalty = lambda > 0 ? regularizer.penalty?.(input) : undefined;
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

/** @throws KindredError invalid-option for a loss that has no use for a cross-batch memory, naming those that have */
function checkMemoryFits(loss: Loss): void {
  if (loss.memory) return;
  const fitting = losses.names.filter((name) => createLoss(name).memory);
  throw new KindredError('invalid-option', `--memory does not apply to the ${loss.name} loss`, {
    field: '--memory',
    hint: `Leave it out, or use --loss ${fitting.join(', ')}.`,
  });
}

/** What the objective of a run depends on. */
export type ObjectiveSettings = Pick<
  TrainSettings,
  | 'loss'
  | 'lossOptions'
  | 'regularizer'
  | 'regularizerOptions'
  | 'lambda'
  | 'seed'
  | 'classesPerBatch'
  | 'imagesPerClass'
  | 'memory'
>;

/**
 * The objective of a run, checked before anything is loaded.
 * @throws KindredError unknown-name, invalid-option
 */
export function objectiveFor(settings: ObjectiveSettings): Objective {
  validateCombination(settings.loss, settings.regularizer, settings);
  const loss = createLoss(settings.loss, settings.lossOptions);
  if (settings.memory) checkMemoryFits(loss);
  return createObjective({
    loss,
    regularizer: createRegularizer(settings.regularizer, settings.regularizerOptions),
    lambda: settings.lambda,
    seed: settings.seed,
  });
}
