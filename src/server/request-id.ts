import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestHandler, Response } from 'express';
import type { ErrorCode } from '../core/errors.js';

const header = 'X-Request-Id';
const wellFormed = /^[A-Za-z0-9._-]{1,64}$/;

/** Gives every request a name, or takes the one that a proxy gave it, so that answer, problem and logs can be brought together. */
export const nameRequests: RequestHandler = (request, response, next) => {
  response.set(header, newRequestId(request));
  next();
};

export function newRequestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && wellFormed.test(given) ? given : randomUUID();
}

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
