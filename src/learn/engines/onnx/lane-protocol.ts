import type { Network } from '../../../model/graph.js';

/** What a lane's worker is set up with, once. */
export interface LaneSetup {
  /** Its parameters' shapes; their values come in `parameters`. */
  readonly network: Network;
  readonly block: number;
  /** All parameters in a row, written by the trainer before each step. */
  readonly parameters: SharedArrayBuffer;
  /** Which of `gradients` is this lane's. */
  readonly lane: number;
  /** All gradients of each lane in a row, in the same order. */
  readonly gradients: readonly SharedArrayBuffer[];
  /** Their sum. */
  readonly total: SharedArrayBuffer;
}

export type LaneJob =
  | { readonly kind: 'forward' | 'embed'; readonly activations: Float32Array; readonly count: number }
  | { readonly kind: 'backward'; readonly gradient: Float32Array }
  /** Adds up the gradients of these lanes, from one place of the row to another. */
  | { readonly kind: 'sum'; readonly lanes: readonly number[]; readonly from: number; readonly to: number };

export interface LaneResult {
  /** Raw embeddings; empty after `backward` and `sum`. */
  readonly embeddings: Float32Array<ArrayBuffer>;
  /** Milliseconds inside ONNX Runtime. */
  readonly kernelMs: number;
}
