import type * as tf from '@tensorflow/tfjs-core';
import type { BatchLayout } from './batch-layout.js';

/** One batch as a loss sees it. The caller owns the tensors and runs `compute` inside a tidy or a gradient. */
export interface LossInput {
  /** [B, D] as the network gives them, before L2 normalisation. */
  readonly embeddings: tf.Tensor2D;
  /** [B, D] the same rows at unit length (`unitRows(embeddings)`). */
  readonly unit: tf.Tensor2D;
  readonly layout: BatchLayout;
  /**
   * [M], in 0 … 1: how much of the pull on each class's positive pairs is left, from a regularizer such as the gate.
   * A constant: no gradient flows into it. Absent: 1.
   */
  readonly attraction?: tf.Tensor1D | undefined;
}

/**
 * A metric-learning loss: pure, without state, differentiable in the embeddings it uses. The suite in
 * test/contracts/loss.ts runs against every implementation.
 */
export interface Loss {
  readonly name: string;
  /** True: it works on `unit` and the length of an embedding means nothing to it. False: it works on `embeddings`. */
  readonly normalized: boolean;
  /** The fewest images a class it makes sense with; at least 2. */
  readonly minImagesPerClass: number;
  /** The loss of the batch, ≥ 0. */
  compute(input: LossInput): tf.Scalar;
}
