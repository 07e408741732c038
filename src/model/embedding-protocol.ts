import type { PlainError } from '../core/errors.js';
import type { EmbedRequest } from '../core/embedder.js';

/** What an embedding worker is told once. */
export interface EmbeddingSetup {
  /** Path of the ONNX file, or its bytes. */
  readonly onnx: string | Uint8Array;
  /** Width and height of the network's input, px. */
  readonly inputSize: number;
  /** What the shorter side of a picture is resized to before inputSize is cut out, px; default: inputSize. */
  readonly resize?: number | undefined;
  /** Values per embedding. */
  readonly dimension: number;
}

export type EmbeddingJob =
  | { readonly kind: 'images'; readonly requests: readonly EmbedRequest[] }
  /** `count` pictures of inputSize × inputSize × 3 bytes. */
  | { readonly kind: 'pixels'; readonly pixels: Uint8Array; readonly count: number };

export type ImageAnswer =
  | { readonly ok: true; readonly width: number; readonly height: number; readonly contentHash: string | null }
  | { readonly ok: false; readonly error: PlainError };

export interface EmbeddingResult {
  /** One per request, in order; empty for a job of pixels. */
  readonly images: readonly ImageAnswer[];
  /** The embeddings of those that went well, one after another. */
  readonly embeddings: Float32Array;
}
