import type * as tf from '@tensorflow/tfjs-core';
import { KindredError } from '../core/errors.js';
import { createRandom } from '../core/random.js';
import { unknownName } from '../core/registry.js';
import { rememberedTogether, type Remembered } from '../core/remembered.js';
import { unitRows } from './distances/unit-rows.js';
import { weightedSum } from './gradient.js';
import { lambdaSchedules, type LambdaSchedule } from './lambda-schedule.js';
import { type AdaptiveLambda, balance, createAdaptiveLambda } from './lambda-share.js';
import { type BatchLayout, type BatchShape, checkBatchShape } from './losses/batch-layout.js';
import type { BatchContext, Loss, OwnParameters } from './losses/loss.js';
import { createLoss, losses } from './losses/registry.js';
import type { Regularizer } from './regularizers/regularizer.js';
import { createTerms, parseTerms, type WeighedTerm } from './regularizers/terms.js';
import type { TrainSettings } from './settings.js';

export interface ObjectiveParts {
  readonly loss: Loss;
  readonly regularizer: Regularizer;
  /** Weight of the regularizer's penalty, ≥ 0. Absent: the regularizer's own for this loss. */
  readonly lambda?: number | undefined;
  /** Seed of a regularizer that draws by lot; default: 0. */
  readonly seed?: number | undefined;
  /** How λ goes over the run, and the run's length; default: constant. */
  readonly schedule?: { readonly at: LambdaSchedule; readonly steps: number } | undefined;
  /** Hold the penalty's gradient at this share of the loss's, instead of λ itself. */
  readonly share?: number | undefined;
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
  /** λ in effect at this step; 0 without a penalty. */
  readonly lambda: number;
  /** [M] the gate's weights; absent without a gate. */
  readonly attraction?: tf.Tensor1D;
}

export interface Objective {
  /** λ before schedule and share. */
  readonly lambda: number;
  readonly needsReference: boolean;
  /** Parameters of the loss's own, such as proxies; with them `compute` needs `context.own`. */
  readonly own: OwnParameters | undefined;
  /** What it carries from step to step: with it, `compute` is to be called once for each step, in order. */
  readonly remembered: Remembered | undefined;
  /**
   * @param embeddings [B, D] as the network gives them, before L2 normalisation; `total` is differentiable in them
   * @param context for losses and regularizers that look beyond the batch's embeddings
   */
  compute(embeddings: tf.Tensor2D, layout: BatchLayout, context?: StepContext): ObjectiveValue;
}

/** A loss with a density term on top. Call `compute` inside a tidy or a gradient. */
export function createObjective(parts: ObjectiveParts): Objective {
  const { loss, regularizer, seed = 0, schedule, share } = parts;
  const lambda = parts.lambda ?? regularizer.defaultLambda(loss.name);
  const adaptive: AdaptiveLambda | undefined =
    share !== undefined && lambda > 0 ? createAdaptiveLambda(share, lambda) : undefined;
  return {
    lambda,
    needsReference: regularizer.needsReference,
    own: loss.own,
    remembered: rememberedTogether({ share: adaptive?.remembered, regularizer: regularizer.remembered }),
    compute(embeddings, layout, context) {
      const unit = unitRows(embeddings);
      const step = context?.step ?? 0;
      // A stream of its own: the loss draws the same numbers with and without a regularizer, so that runs stay paired.
      const random = createRandom('regularizer', seed, step);
      const input = { unit, layout, random, reference: context?.reference, classes: context?.classes };
      const attraction = regularizer.attraction?.(input);
      const marginScale = regularizer.marginScale?.(input);
      const weights = attraction ? { attraction } : {};
      const { penalty: penalise } = regularizer;
      const scheduled = schedule ? schedule.at(step, schedule.steps) : 1;
      if (adaptive && penalise) {
        const found = balance(
          [embeddings, ...(context?.own?.values() ?? [])],
          () => loss.compute({ embeddings, unit: unitRows(embeddings), layout, attraction, marginScale, context }),
          () => penalise({ ...input, unit: unitRows(embeddings) }),
          (ofLoss, ofPenalty) => adaptive.next(ofLoss, ofPenalty) * scheduled,
        );
        return { ...found, ...weights };
      }
      const value = loss.compute({ embeddings, unit, layout, attraction, marginScale, context });
      const weight = lambda * scheduled;
      const penalty = weight > 0 ? penalise?.(input) : undefined;
      return {
        total: penalty ? weightedSum(value, penalty, weight) : value,
        loss: value,
        lambda: penalty ? weight : 0,
        ...(penalty ? { penalty } : {}),
        ...weights,
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
  parseTerms(regularizer);
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

/** @throws KindredError invalid-option when the share is out of range, or there is no penalty to hold at it */
function checkShare(share: number, { regularizer, lambda }: WeighedTerm): void {
  const field = '--lambda-share';
  if (!(share > 0 && share <= 1)) {
    throw new KindredError('invalid-option', `${field} is ${share}, it must be above 0 and at most 1`, {
      field,
      hint: 'Give the share of the loss’s gradient that the density term’s is to have, such as 0.1.',
    });
  }
  if (regularizer.penalty && lambda > 0) return;
  throw new KindredError('invalid-option', `${field}: ${regularizer.name} has no penalty with a λ above 0`, {
    field,
    hint: 'Use it with a --regularizer that has a penalty, such as neighbour, or leave it out.',
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
  | 'lambdaSchedule'
  | 'lambdaShare'
  | 'steps'
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
  const { lambdaSchedule = 'constant', lambdaShare: share, steps, seed } = settings;
  const { names } = lambdaSchedules;
  if (!names.includes(lambdaSchedule)) throw unknownName('λ schedule', lambdaSchedule, names, '--lambda-schedule');
  const at = lambdaSchedules.get(lambdaSchedule);
  const { regularizer, regularizerOptions: options, lambda } = settings;
  const term = createTerms({ spec: regularizer, options, loss: loss.name, lambda });
  if (share !== undefined) checkShare(share, term);
  if (term.regularizer.marginScale && !loss.scalesMargins) {
    const fitting = losses.names.filter((name) => createLoss(name).scalesMargins);
    throw new KindredError('invalid-option', `--regularizer: margin does not apply to the ${loss.name} loss`, {
      field: '--regularizer',
      hint: `Use it with --loss ${fitting.join(', ')}.`,
    });
  }
  return createObjective({ ...term, loss, seed, share, schedule: { at, steps } });
}
