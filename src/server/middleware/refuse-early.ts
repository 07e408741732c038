import type { RequestHandler } from 'express';
import { endsConnection } from '../admission.js';
import { problemType, toProblem } from '../problem.js';
import type { Queues } from '../queues.js';
import { markRoute, templateOf, type Route } from '../route.js';

/**
 * Turns a request away whose queue is full before anything else is done for it. admission.ts would, too, but an overloaded
 * server turns away several for each that it answers, so what that costs is taken from the answers.
 */
export function refuseEarly(routes: readonly Route[], queues: Queues): RequestHandler {
  const known = new Map(
    routes.flatMap(({ method, path, queue }) =>
      queue === undefined || path.includes('/:')
        ? []
        : [[`${method.toUpperCase()} ${templateOf(path)}`, queue] as const],
    ),
  );
  return (request, response, next) => {
    const queue = known.get(`${request.method} ${request.path}`);
    const name = typeof queue === 'function' ? queue(request) : queue;
    if (name === undefined || !queues[name].full) {
      next();
      return;
    }
    const problem = toProblem(queues[name].refuse());
    markRoute(response, request.path);
    const body = JSON.stringify(problem);
    const headers = {
      'Content-Type': problemType,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      'Retry-After': '1',
      'X-Content-Type-Options': 'nosniff',
      ...(endsConnection(request) && { Connection: 'close' }),
    };
    response.writeHead(problem.status, headers).end(body);
  };
}
