import type { KindredError } from './errors.js';
import type { Box, ImageSource } from './images.js';

export interface EmbedRequest {
  readonly image: ImageSource;
  /** Embed only this part of the picture. */
  readonly box?: Box;
  /** Hash the encoded bytes as well; only what stores pictures needs it. */
  readonly hash?: boolean;
}

export type EmbedOutcome =
  | {
      readonly ok: true;
      /** Unit length, `dimension` values. */
      readonly embedding: Float32Array;
      /** Pixels of the picture after EXIF rotation. */
      readonly width: number;
      readonly height: number;
      /** Lower-case hex SHA-256 of the encoded bytes; null unless the request asked for it. */
      readonly contentHash: string | null;
    }
  | { readonly ok: false; readonly error: KindredError };

/**
 * Turns encoded images into unit-length embeddings, off the main thread. Outcomes come in the order of the requests; one
 * bad image never fails the others.
 */
export interface Embedder {
  readonly dimension: number;
  /** Names the model: equal fingerprints mean comparable embeddings. */
  readonly fingerprint: string;
  /** Images that are worth handing over in one call, to keep every worker busy. */
  readonly preferredBatch: number;
  embed(requests: readonly EmbedRequest[]): Promise<EmbedOutcome[]>;
  close(): Promise<void>;
}
