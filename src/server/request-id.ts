import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { ErrorCode } from '../core/errors.js';

const header = 'X-Request-Id';
const wellFormed = /^[A-Za-z0-9._-]{1,64}$/;

/** Gives every request a name, or takes the one that a proxy gave it, so that answer, problem and logs can be brought together. */
export const nameRequests: RequestHandler = (request, response, next) => {
  const given = request.headers['x-request-id'];
  response.set(header, typeof given === 'string' && wellFormed.test(given) ? given : randomUUID());
  next();
};

export function requestIdOf(response: Response): string | undefined {
  return response.get(header);
}

const problems = new WeakMap<Response, ErrorCode>();

/** Remembers what an answer failed with, for the logs. */
export function noteProblem(response: Response, code: ErrorCode): void {
  problems.set(response, code);
}

export function problemOf(response: Response): ErrorCode | undefined {
  return problems.get(response);
}
