import type { Network } from '../../../model/graph.js';

/** What a lane's worker is set up with, once. */
export interface LaneSetup {
  readonly network: Network;
  readonly block: number;
  /** All parameters in a row, written by the trainer before each step. */
  readonly parameters: SharedArrayBuffer;
  /** All gradients of this lane in a row, in the same order. */
  readonly gradients: SharedArrayBuffer;
}

export type LaneJob =
  | { readonly kind: 'forward' | 'embed'; readonly activations: Float32Array<ArrayBuffer>; readonly count: number }
  | { readonly kind: 'backward'; readonly gradient: Float32Array<ArrayBuffer> };

export interface LaneResult {
  /** Raw embeddings; empty after `backward`. */
  readonly embeddings: Float32Array<ArrayBuffer>;
  /** Milliseconds inside ONNX Runtime. */
  readonly kernelMs: number;
}
