import type { ErrorCode } from '../../core/errors.js';
import type { AppDeps } from '../deps.js';
import type { ReadBody } from '../middleware/body.js';
import type { Queues } from '../queues.js';

export interface SearchRouteParts extends AppDeps {
  readonly readBody: ReadBody;
  readonly queues: Queues;
}

export const imageErrors = [
  'invalid-box',
  'image-unsupported',
  'image-unreadable',
  'image-too-large',
] as const satisfies readonly ErrorCode[];
export const searchErrors = [
  'item-not-found',
  'invalid-vector',
  'invalid-cursor',
  'unknown-filter-field',
  'image-missing',
  'calibration-missing',
] as const satisfies readonly ErrorCode[];
