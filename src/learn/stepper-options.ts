import type { Batch } from '../data/samplers/sampler.js';
import type { Network, PixelScale } from '../model/graph.js';
import type { EngineFactory } from './engines/engine.js';
import type { Objective } from './objective.js';
import type { ReferenceFeatures } from './reference.js';
import type { TrainSettings } from './settings.js';
import type { StemSpace } from './stem/stem-cache.js';
import type { OpenStem } from './stem/stem-pipeline.js';

export type StepSettings = Pick<
  TrainSettings,
  | 'accumulate'
  | 'classesPerBatch'
  | 'headRate'
  | 'imagesPerClass'
  | 'inputSize'
  | 'learningRate'
  | 'memory'
  | 'memoryWarmup'
  | 'seed'
  | 'steps'
  | 'threads'
>;

export interface StepperOptions {
  /** The whole network, head included. */
  readonly network: Network;
  readonly scale: PixelScale;
  /** First layer that learns, or 'all'. */
  readonly trainFrom: string;
  readonly engine: EngineFactory;
  /** The engine's name, for what it needs of memory. Default: onnx. */
  readonly backend?: string;
  readonly objective: Objective;
  readonly settings: StepSettings;
  /** Fixed views of each picture, in half precision; undefined: new ones without end (TrainSettings). */
  readonly views?: number | undefined;
  /** Where decoded pictures and activations may be kept; no number depends on it. */
  readonly space?: StemSpace | undefined;
  readonly warn?: ((text: string) => void) | undefined;
  /** What to do when the embeddings shrink to a point: `collapseAdvice`. */
  readonly collapseAdvice?: string | undefined;
  /** Default: `createStemPipeline`. */
  readonly openStem?: OpenStem | undefined;
  /** Told when a stem worker was busy, ms since 1970 (createStemPipeline). */
  readonly onStemBusy?: ((startMs: number, endMs: number) => void) | undefined;
  /** All pictures, those of validation too: absolute paths, and ids that are the same on every machine. */
  readonly pictures: readonly { readonly id: string; readonly path: string }[];
  /** The batch of a step: positions in `pictures`, class by class. */
  readonly batchAt: (step: number) => Batch;
  /** Classes that are trained on, for losses with parameters of their own. */
  readonly classes?: number | undefined;
  /** Of all pictures that batches are made of, when the objective needs it. */
  readonly reference?: ReferenceFeatures | undefined;
}
