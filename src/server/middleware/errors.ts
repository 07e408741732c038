import type { ErrorRequestHandler, RequestHandler } from 'express';
import { KindredError } from '../../core/errors.js';
import type { Log } from '../log.js';
import { problemType, toKindredError, toProblem } from '../problem.js';
import { noteProblem, requestIdOf } from '../request-id.js';

export const routeNotFound: RequestHandler = (request) => {
  throw new KindredError('route-not-found', `there is nothing at ${request.path.slice(0, 200)}`, {
    hint: 'GET /openapi.json lists every route.',
  });
};

/** Every error becomes problem+json; what is our fault goes to the log with its stack. */
export function answerErrors(log: Log): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  return (thrown: unknown, request, response, _next) => {
    const error = toKindredError(thrown);
    const problem = toProblem(error);
    const requestId = requestIdOf(response);
    noteProblem(response, error.code);
    if (problem.status >= 500 && error.code !== 'overloaded') {
      const { method, originalUrl: url } = request;
      log.error({ requestId, err: error, cause: error.cause, method, url }, 'request failed');
    }
    if (response.headersSent) {
      response.destroy(); // so that half an answer is not taken for a whole one
      return;
    }
    response.removeHeader('ETag'); // set for the picture that could not be sent after all
    if (problem.status === 503) response.set('Retry-After', '1');
    response.status(problem.status).set('Cache-Control', 'no-store').type(problemType);
    response.send(JSON.stringify({ ...problem, requestId }));
  };
}
