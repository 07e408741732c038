import type { ErrorRequestHandler, RequestHandler } from 'express';
import { KindredError } from '../../core/errors.js';
import { waitsForInvitation } from '../admission.js';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics.js';
import { problemType, toKindredError, toProblem } from '../problem.js';
import { noteProblem, requestIdOf } from '../request-id.js';

export const routeNotFound: RequestHandler = (request) => {
  throw new KindredError('route-not-found', `there is nothing at ${request.path.slice(0, 200)}`, {
    hint: 'GET /openapi.json lists every route.',
  });
};

/** Every error becomes problem+json; what is our fault goes to the log with its stack. */
export function answerErrors(log: Log, metrics: Metrics): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  return (thrown: unknown, request, response, _next) => {
    if (response.destroyed) return; // the client has gone away
    const error = toKindredError(thrown);
    const problem = toProblem(error);
    const requestId = requestIdOf(response);
    noteProblem(response, error.code);
    const { method, originalUrl: url } = request;
    if (error.code === 'timed-out') {
      metrics.timedOut();
      log.warn({ requestId, method, url }, 'no answer in time');
    } else if (problem.status >= 500 && error.code !== 'overloaded') {
      log.error({ requestId, err: error, cause: error.cause, method, url }, 'request failed');
    }
    if (response.headersSent) {
      response.destroy(); // so that half an answer is not taken for a whole one
      return;
    }
    response.removeHeader('ETag'); // set for the picture that could not be sent after all
    if (problem.status === 503) response.set('Retry-After', '1');
    if (waitsForInvitation(request)) response.set('Connection', 'close');
    response.status(problem.status).set('Cache-Control', 'no-store').type(problemType);
    response.send(JSON.stringify({ ...problem, requestId }));
  };
}
