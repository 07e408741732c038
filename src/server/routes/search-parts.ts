import type { ErrorCode } from '../../core/errors.js';
import type { AppDeps } from '../deps.js';
import type { Limiter } from '../limiter.js';
import type { ReadBody } from '../middleware/body.js';

export interface SearchRouteParts extends AppDeps {
  readonly readBody: ReadBody;
  /** Everything that may embed a picture goes through it. */
  readonly imageQueries: Limiter;
}

export const bodyErrors = [
  'invalid-json',
  'invalid-request',
  'invalid-option',
  'body-too-large',
  'content-type-unsupported',
  'origin-not-allowed',
] as const satisfies readonly ErrorCode[];
export const imageErrors = [
  'invalid-box',
  'image-unsupported',
  'image-unreadable',
  'image-too-large',
  'overloaded',
] as const satisfies readonly ErrorCode[];
export const searchErrors = [
  'item-not-found',
  'invalid-vector',
  'invalid-cursor',
  'unknown-filter-field',
  'image-missing',
  'calibration-missing',
] as const satisfies readonly ErrorCode[];
