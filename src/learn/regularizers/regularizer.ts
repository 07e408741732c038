import type * as tf from '@tensorflow/tfjs-core';
import { KindredError } from '../../core/errors.js';
import type { Random } from '../../core/random.js';
import type { Remembered } from '../../core/remembered.js';
import type { BatchLayout } from '../losses/batch-layout.js';

export interface RegularizerInput {
  /** [B, D] unit-length embeddings. */
  readonly unit: tf.Tensor2D;
  readonly layout: BatchLayout;
  /** [B, F] unit-length features of the frozen pretrained network; there when `needsReference`. */
  readonly reference?: tf.Tensor2D | undefined;
  /** Numbers for one that draws by lot; the same ones whenever this step is taken. */
  readonly random?: Random | undefined;
  /** [B] number of each row's class among all that are trained on; absent: the batch is all there is. */
  readonly classes?: Int32Array | undefined;
}

/**
 * A density term on top of any loss. It weighs the pull on each class (`attraction`), scales its margin (`marginScale`), or
 * adds λ times a penalty. Pure, and without state unless it says so.
 */
export interface Regularizer {
  readonly name: string;
  /** True: the trainer must hand it the frozen network's features. */
  readonly needsReference: boolean;
  /** [M] in 0 … 1, given to the loss; a constant, without gradient. */
  readonly attraction?: (input: RegularizerInput) => tf.Tensor1D;
  /** [M] > 0, what the loss's margin is multiplied by for each class; a constant, without gradient. */
  readonly marginScale?: (input: RegularizerInput) => tf.Tensor1D;
  /** With it, it is to be asked once for each step, in order. */
  readonly remembered?: Remembered | undefined;
  /** R, differentiable, before λ. */
  readonly penalty?: (input: RegularizerInput) => tf.Scalar;
  /** λ for the penalty where the user gives none. */
  readonly defaultLambda: (loss: string) => number;
}

/** The frozen features that a regularizer with `needsReference` counts on. */
export function referenceOf({ reference }: RegularizerInput, name: string): tf.Tensor2D {
  if (!reference) throw new KindredError('internal', `the ${name} regularizer got no frozen features`);
  return reference;
}
