import type { RequestListener } from 'node:http';
import express, { type Express } from 'express';
import { KindredError } from '../core/errors.js';
import type { Access } from './access/access.js';
import { createGuard } from './access/guard.js';
import type { AppDeps, AppLimits } from './deps.js';
import { createLinger } from './linger.js';
import type { Log } from './log.js';
import type { Metrics } from './metrics.js';
import { allowOrigins } from './middleware/cors.js';
import { answerErrors, routeNotFound } from './middleware/errors.js';
import { observeRequests } from './middleware/observe.js';
import { checkCaller, limitUrl, securityHeaders } from './middleware/security.js';
import type { Queues } from './queues.js';
import { nameRequests } from './request-id.js';
import { createTurnstile } from './turnstile.js';
import { markRoute, mountRoutes, type Route } from './route.js';

/** What is read and dropped of a refused request beyond the largest body, and for how long. */
const lingerBytes = 1_000_000;
const lingerMs = 10_000;

/** The built page; its hashed assets never change, the rest is checked each time. */
function servePage(app: Express, folder: string | undefined): void {
  if (folder === undefined) {
    app.get('/', () => {
      throw new KindredError('route-not-found', 'the page is not built; the API under /v1 works', {
        hint: 'Build it with npm run build, then start the server again.',
      });
    });
    return;
  }
  const setHeaders = (response: express.Response, path: string): void => {
    const hashed = /[\\/]assets[\\/]/.test(path);
    markRoute(response, 'page');
    response.set('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
  };
  app.use(express.static(folder, { cacheControl: false, setHeaders }));
}

export interface AssemblyParts extends Pick<AppDeps, 'page' | 'allowedHosts' | 'trustedProxies'> {
  readonly access: Access;
  readonly limits: AppLimits;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly queues: Queues;
  readonly isDraining: () => boolean;
}

/** Puts what stands before every route before these, and what comes behind. */
export function assembleApp(routes: readonly Route[], parts: AssemblyParts): RequestListener {
  const { access, limits, log, metrics, queues, isDraining } = parts;
  const linger = createLinger(limits.bodyBytes + lingerBytes, lingerMs);
  const turnedAway = createTurnstile(routes, { queues, metrics, linger });
  const app = express();
  app.set('etag', false); // hashing every answer costs more than it saves; pictures and the page have their own
  app.set('case sensitive routing', true);
  app.set('query parser', 'simple');
  app.set('trust proxy', parts.trustedProxies ?? false);
  app.use(
    nameRequests,
    observeRequests({ log, metrics, slowMs: limits.slowMs }),
    (request, response, next) => {
      linger(request, response);
      next();
    },
    securityHeaders(),
    limitUrl,
    checkCaller(parts.allowedHosts, access.origins),
    allowOrigins(access.origins),
  );
  app.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    if (isDraining()) response.set('Connection', 'close');
    next();
  });
  mountRoutes(app, routes, createGuard(access), { queues, requestMs: limits.requestMs });
  servePage(app, parts.page);
  app.use(routeNotFound, answerErrors(log, metrics));
  const listener: RequestListener = (request, response) => {
    if (!turnedAway(request, response)) app(request, response);
  };
  return Object.assign(listener, { router: app.router }); // as Express's own has it, for whoever lists its routes
}
