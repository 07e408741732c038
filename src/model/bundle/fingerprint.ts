import { sha256 } from '../../core/hashing.js';
import type { Preprocessing } from './schema.js';

export interface Fingerprinted {
  /** The bytes of model.onnx. */
  readonly onnx: Uint8Array;
  readonly preprocessing: Preprocessing;
  readonly dimension: number;
}

/**
 * Names a model by what decides its embeddings: equal fingerprints, comparable embeddings. Settings that do not change
 * them (metrics, a later calibration) are left out, so that indexes stay valid.
 * @returns lower-case hex SHA-256
 */
export function fingerprintOf({ onnx, preprocessing, dimension }: Fingerprinted): string {
  const sorted = Object.fromEntries(Object.entries(preprocessing).sort(([a], [b]) => (a < b ? -1 : 1)));
  return sha256(onnx, JSON.stringify(sorted), String(dimension));
}
