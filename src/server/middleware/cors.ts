import type { RequestHandler } from 'express';

const methods = 'GET, HEAD, POST, PUT, DELETE';
const requestHeaders = 'Authorization, Content-Type, If-Match, If-None-Match, X-Request-Id';
const answerHeaders =
  'ETag, X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, WWW-Authenticate';

/**
 * Lets pages of these origins read answers. Without credentials: they send a key of their own and never profit from the
 * session of whoever looks at them.
 */
export function allowOrigins(origins: ReadonlySet<string>): RequestHandler {
  return (request, response, next) => {
    if (origins.size === 0) {
      next();
      return;
    }
    response.vary('Origin');
    const { origin } = request.headers;
    if (origin === undefined || !origins.has(origin)) {
      next();
      return;
    }
    response.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': answerHeaders });
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) {
      next();
      return;
    }
    response.set({
      'Access-Control-Allow-Methods': methods,
      'Access-Control-Allow-Headers': requestHeaders,
      'Access-Control-Max-Age': '600',
    });
    response.status(204).end();
  };
}
