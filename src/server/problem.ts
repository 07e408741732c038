import { errorCodes, KindredError } from '../core/errors.js';
import type { ApiProblem } from './schemas/api.js';

export const problemType = 'application/problem+json';

/**
 * What a client is told of an error. What is our fault stays in our log: such a message may hold paths and internals.
 */
export function toProblem(error: KindredError): ApiProblem {
  const status = errorCodes[error.code].http;
  const ours = status >= 500 && error.code !== 'overloaded' && error.code !== 'timed-out';
  return {
    type: `urn:kindred:problem:${error.code}`,
    title: error.code.replaceAll('-', ' '),
    status,
    code: error.code,
    detail: ours ? 'the server could not answer this; its log says why' : error.message,
    ...(error.field !== undefined && !ours && { field: error.field }),
    ...(error.hint !== undefined && !ours && { hint: error.hint }),
  };
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : undefined;
}

/** Gives what Express and its body parsers throw a code of ours. */
export function toKindredError(error: unknown): KindredError {
  if (error instanceof KindredError) return error;
  const status = statusOf(error);
  if (error instanceof URIError) {
    return new KindredError('invalid-request', 'the path is not valid percent-encoding', { cause: error });
  }
  if (status === 413) return bodyTooLarge(error);
  if (status === 415) {
    return new KindredError('content-type-unsupported', 'the body’s encoding or character set is not supported', {
      hint: 'Send UTF-8, plain or compressed with gzip, deflate or br.',
      cause: error,
    });
  }
  if (status !== undefined && status >= 400 && status < 500) {
    return new KindredError('invalid-request', 'the request could not be read to its end', { cause: error });
  }
  return new KindredError('internal', error instanceof Error ? error.message : String(error), { cause: error });
}

export function bodyTooLarge(cause: unknown, limit?: number): KindredError {
  const most = limit === undefined ? '' : `: at most ${Math.round(limit / 1e5) / 10} MB`;
  return new KindredError('body-too-large', `the body is too large${most}`, { cause, hint: 'Send a smaller picture.' });
}
