import type { Remembered } from '../../core/remembered.js';
import type { DatasetItem } from '../dataset.js';

export interface SamplerOptions {
  /** The items to train on; those without a label or alone in their class are passed over. */
  readonly items: readonly DatasetItem[];
  readonly classesPerBatch: number;
  readonly imagesPerClass: number;
  readonly seed: number;
  /** hierarchical: the metadata field that names the category of a class. */
  readonly field?: string | undefined;
}

export interface Batch {
  /** Positions in `items`, laid out class by class: `imagesPerClass` in a row belong to one class. */
  readonly indices: readonly number[];
  /** Class number (position in `Sampler.classes`) of each of `indices`. */
  readonly classes: readonly number[];
}

/** Chooses what is trained on. The suite in test/contracts/sampler.ts runs against every implementation. */
export interface Sampler {
  readonly name: string;
  /** Trainable classes (two images or more), in code-unit order. */
  readonly classes: readonly string[];
  /** Images of those classes. */
  readonly images: number;
  /** classesPerBatch × imagesPerClass */
  readonly batchSize: number;
  /**
   * The batch of step 0, 1, 2 …, all its classes different: a function of the seed, the step and what `feedback` was told
   * for it, so a run can go on anywhere.
   */
  next(step: number): Batch;
  /** There when batches depend on the embeddings. */
  readonly feedback?: Feedback | undefined;
}

/** How a sampler learns where the classes are by now. */
export interface Feedback extends Remembered {
  /** Positions in `items` of the images whose embeddings it wants at the end of each epoch. */
  readonly indices: readonly number[];
  /**
   * @param embeddings one row for each of `indices`, of unit length
   * @param from the first step whose batch may depend on them: those before may be under way already
   */
  learn(embeddings: Float32Array, from: number): void;
}
