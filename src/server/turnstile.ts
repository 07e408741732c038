import type { IncomingMessage, ServerResponse } from 'node:http';
import { waitsForInvitation } from './admission.js';
import type { Linger } from './linger.js';
import type { Metrics } from './metrics.js';
import { problemType, toProblem } from './problem.js';
import type { Queues } from './queues.js';
import { newRequestId } from './request-id.js';
import { templateOf, type Route } from './route.js';

export interface TurnstileParts {
  readonly queues: Queues;
  readonly metrics: Metrics;
  readonly linger: Linger;
}

/**
 * Turns a request away whose queue is full before anything else is done for it, Express included. admission.ts would, too,
 * but an overloaded server turns away several for each that it answers, so what that costs is taken from the answers.
 * @returns true when the request was turned away
 */
export function createTurnstile(
  routes: readonly Route[],
  { queues, metrics, linger }: TurnstileParts,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const known = new Map(
    routes.flatMap(({ method, path, queue }) =>
      queue === undefined || path.includes('/:')
        ? []
        : [[`${method.toUpperCase()} ${templateOf(path)}`, { queue, route: templateOf(path) }] as const],
    ),
  );
  return (request, response) => {
    const { method = '', url = '' } = request;
    const end = url.indexOf('?');
    const found = known.get(`${method} ${end < 0 ? url : url.slice(0, end)}`);
    if (found === undefined) return false;
    const name = typeof found.queue === 'function' ? found.queue(request) : found.queue;
    if (!queues[name].full) return false;
    const started = performance.now();
    metrics.began();
    linger(request, response);
    const problem = toProblem(queues[name].refuse());
    const requestId = newRequestId(request);
    const body = JSON.stringify({ ...problem, requestId });
    response.once('close', () => {
      const seconds = (performance.now() - started) / 1000;
      const status = response.writableFinished ? problem.status : 499;
      metrics.answered({ method, route: found.route, status, seconds });
    });
    response.writeHead(problem.status, {
      'Content-Type': problemType,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      'Retry-After': '1',
      'X-Content-Type-Options': 'nosniff',
      'X-Request-Id': requestId,
      ...(waitsForInvitation(request) && { Connection: 'close' }),
    });
    response.end(body);
    return true;
  };
}
