import type { ErrorCode } from '../../core/errors.js';

/** What may be wrong with the body of any route that takes one. */
export const bodyErrors = [
  'invalid-json',
  'invalid-request',
  'invalid-option',
  'body-too-large',
  'content-type-unsupported',
  'origin-not-allowed',
] as const satisfies readonly ErrorCode[];
