import type { ActivationCacheSetup } from './activation-cache.js';
import type { PictureStoreSetup } from './picture-store.js';

/** What a stem worker is set up with, once. */
export interface StemSetup {
  readonly onnx: Uint8Array;
  readonly inputSize: number;
  /** Decoded pictures are kept at this size, so that crops have room. */
  readonly cacheSize: number;
  readonly paths: readonly string[];
  readonly pictures: PictureStoreSetup;
  /** Null: every activation is computed, in full precision. */
  readonly activations: ActivationCacheSetup | null;
}

export interface StemJob {
  /** Positions in `paths`. */
  readonly indices: readonly number[];
  /** Augmentation seeds, one an image; null for the plain centre crop. */
  readonly seeds: readonly string[] | null;
  /** Where the activations go: indices.length × (the stem's output size) values, laid out as the stem gives them. */
  readonly target: Float32Array<SharedArrayBuffer>;
}

export interface StemResult {
  /** When the worker took the job up and was done with it, ms since 1970. A worker interleaves two jobs. */
  readonly busy: readonly [start: number, end: number];
  /** What the user should know, once each. */
  readonly warnings: readonly string[];
}
