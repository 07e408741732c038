import type * as tf from '@tensorflow/tfjs-core';
import type { Random } from '../../core/random.js';
import type { Parameters } from '../../model/graph.js';
import type { BatchLayout } from './batch-layout.js';

/** Embeddings of earlier batches, as they were then. Constants: no gradient flows into them. */
export interface PastEmbeddings {
  /** [Q, D] of unit length, Q ≥ 1. */
  readonly unit: tf.Tensor2D;
  /** [Q] numbers of their classes, counted as in `BatchContext.classes`. */
  readonly classes: Int32Array;
}

/** What a batch is part of: needed by losses that look beyond it. */
export interface BatchContext {
  /** [B] number of each row's class among all classes that are trained on. */
  readonly classes: Int32Array;
  /** Numbers for whoever draws by lot; the same ones whenever this step is taken. */
  readonly random?: Random | undefined;
  /** The cross-batch memory, where there is one and it is in use by now. */
  readonly past?: PastEmbeddings | undefined;
  /** The loss's own parameters by name, on the tape. */
  readonly own?: ReadonlyMap<string, tf.Tensor2D> | undefined;
}

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
  /** [M] > 0, for a loss with `scalesMargins`: the margin of each anchor's class is multiplied by it. A constant. Absent: 1. */
  readonly marginScale?: tf.Tensor1D | undefined;
  /** Absent: the batch is all there is, its classes numbered 0 … M − 1. */
  readonly context?: BatchContext | undefined;
}

/** Parameters that a loss learns beside the network, such as proxies; a trained model does not hold them. */
export interface OwnParameters {
  /** Their values before the first step; names are the loss's, every one is a matrix. */
  create(shape: { readonly classes: number; readonly dim: number; readonly seed: number }): Parameters;
  /** They learn at this times the learning rate. */
  readonly rate: number;
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
  /** What it takes from a cross-batch memory; absent: it has no use for one. */
  readonly memory?: 'pairs' | 'negatives';
  /** True: it has a margin, and heeds `marginScale`. */
  readonly scalesMargins?: boolean;
  /** With these, `compute` needs `context.own`. */
  readonly own?: OwnParameters | undefined;
  /** The loss of the batch, ≥ 0. */
  compute(input: LossInput): tf.Scalar;
}
