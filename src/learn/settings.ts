import type { NamedOptions } from './options.js';

/** Everything a training run is told, validated by config/train.ts. */
export interface TrainSettings {
  readonly loss: string;
  /** Those that were given; the loss knows the others' defaults. */
  readonly lossOptions: NamedOptions;
  readonly regularizer: string;
  readonly regularizerOptions: NamedOptions;
  readonly lambda: number | undefined;
  /** How λ goes over the run; absent: constant. */
  readonly lambdaSchedule?: string | undefined;
  /** Hold the penalty's gradient at this share of the loss's; absent: λ is fixed. */
  readonly lambdaShare?: number | undefined;
  /** How batches are drawn; absent: class. */
  readonly sampler?: string | undefined;
  /** hierarchical: the metadata field that names a class's category. */
  readonly samplerField?: string | undefined;
  /** Embeddings of earlier batches that the loss sees as well; absent or 0: none. */
  readonly memory?: number | undefined;
  /** Steps before the memory is used; absent: a tenth of all. */
  readonly memoryWarmup?: number | undefined;
  readonly steps: number;
  /** Steps between validations, and the log's epochs; absent: as many as show every training image once. */
  readonly validateEvery?: number | undefined;
  readonly classesPerBatch: number;
  readonly imagesPerClass: number;
  /** Pieces that a batch is computed in, one after the other; the gradients are those of the whole batch. */
  readonly accumulate: number;
  /** px, a multiple of 32 */
  readonly inputSize: number;
  /** Length of an embedding. */
  readonly dim: number;
  readonly backbone: string;
  readonly backboneFrom: string | undefined;
  readonly backboneCut: string | undefined;
  readonly backboneScale: string | undefined;
  /** First layer that learns, or 'all'; undefined: the backbone's own default. */
  readonly trainFrom: string | undefined;
  readonly backend: string;
  /** Adam's rate for the backbone; the head learns at `headRate` times that. */
  readonly learningRate: number;
  readonly headRate: number;
  /** What chooses the step that is kept; absent: validation, MAP@R on held-out classes. */
  readonly selectOn?: 'last' | undefined;
  readonly seed: number;
  /**
   * Training views of each picture, whose activations go through half precision so that they can be cached; undefined: a new
   * view every time, in full precision.
   */
  readonly views: number | undefined;
  readonly threads: number;
}
