import type * as tf from '@tensorflow/tfjs-core';
import type { BatchLayout } from '../losses/batch-layout.js';

export interface RegularizerInput {
  /** [B, D] unit-length embeddings. */
  readonly unit: tf.Tensor2D;
  readonly layout: BatchLayout;
  /** [B, F] unit-length features of the frozen pretrained network; there when `needsReference`. */
  readonly reference?: tf.Tensor2D | undefined;
}

/**
 * A density term on top of any loss. It acts in one of two ways: it weighs the pull on each class (`attraction`), or it
 * adds λ times a penalty. Pure and without state.
 */
export interface Regularizer {
  readonly name: string;
  /** True: the trainer must hand it the frozen network's features. */
  readonly needsReference: boolean;
  /** [M] in 0 … 1, given to the loss; a constant, without gradient. */
  readonly attraction?: (input: RegularizerInput) => tf.Tensor1D;
  /** R ≥ 0, differentiable, before λ. */
  readonly penalty?: (input: RegularizerInput) => tf.Scalar;
  /** λ for the penalty where the user gives none. */
  readonly defaultLambda: (loss: string) => number;
}
