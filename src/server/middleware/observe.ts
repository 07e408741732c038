import type { RequestHandler } from 'express';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics.js';
import { requestIdOf } from '../request-id.js';
import { routeOf } from '../route.js';

export interface ObserveParts {
  readonly log: Log;
  readonly metrics: Metrics;
  /** An answer that takes longer is worth a line in the log. */
  readonly slowMs: number;
}

/** Times every request, from its headers to the end of its answer or of its connection. */
export function observeRequests({ log, metrics, slowMs }: ObserveParts): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    metrics.began();
    response.once('close', () => {
      const ms = Math.round((performance.now() - started) * 10) / 10;
      const { statusCode: status, writableFinished: complete } = response;
      const route = routeOf(response);
      metrics.answered({ method: request.method, route, status: complete ? status : 499, seconds: ms / 1000 });
      const line = {
        requestId: requestIdOf(response),
        method: request.method,
        url: request.originalUrl,
        status,
        ms,
        complete,
      };
      if (ms >= slowMs) log.warn(line, 'slow request');
      else log.info(line, 'request');
    });
    next();
  };
}
