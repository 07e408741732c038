import type { RequestListener } from 'node:http';
import express, { type Express } from 'express';
import { z } from 'zod';
import { KindredError } from '../core/errors.js';
import { createAccess } from './access/access.js';
import { createGuard } from './access/guard.js';
import { defaultLimits, type AppDeps } from './deps.js';
import { lingerWithin } from './linger.js';
import { noLog } from './log.js';
import { createMetrics } from './metrics.js';
import { createReadBody } from './middleware/body.js';
import { allowOrigins } from './middleware/cors.js';
import { answerErrors, routeNotFound } from './middleware/errors.js';
import { observeRequests } from './middleware/observe.js';
import { refuseEarly } from './middleware/refuse-early.js';
import { checkCaller, limitUrl, securityHeaders } from './middleware/security.js';
import { describeApi } from './openapi.js';
import { createQueues } from './queues.js';
import { nameRequests } from './request-id.js';
import { markRoute, mountRoutes, type Route } from './route.js';
import { aboutRoutes } from './routes/about.js';
import { auditRoutes } from './routes/audit.js';
import { imageRoutes } from './routes/images.js';
import { itemBatchRoutes } from './routes/item-batch.js';
import { itemWriteRoutes } from './routes/item-writes.js';
import { itemRoutes } from './routes/items.js';
import { metricsRoutes } from './routes/metrics.js';
import { sessionRoutes } from './routes/session.js';
import { snapshotRoutes } from './routes/snapshots.js';
import { searchBatchRoutes } from './routes/search-batch.js';
import { searchRoutes } from './routes/search.js';

/** Bytes of a body that holds a few options. */
const smallBody = 10_000;
/** What is read and dropped of a refused request beyond the largest body, and for how long. */
const lingerBytes = 1_000_000;
const lingerMs = 10_000;

export interface ServerApp {
  /** For node:http, or supertest. */
  readonly handler: RequestListener;
  /** From now on /readyz says no and connections are not kept. */
  drain(): void;
}

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

/** Builds the HTTP API and the page from parts; it opens nothing and listens nowhere. */
export function createApp(deps: AppDeps): ServerApp {
  const limits = { ...defaultLimits, ...deps.limits };
  const log = deps.log ?? noLog;
  const access = deps.access ?? createAccess();
  let draining = false;

  const { metrics = createMetrics(), queues = createQueues(limits) } = deps;
  const { bodyBytes, batchBytes } = limits;
  const readBody = createReadBody(bodyBytes);
  const routes: Route[] = [
    ...searchRoutes({ ...deps, readBody, queues }),
    ...searchBatchRoutes({ ...deps, readBody, queues }),
    ...itemRoutes(deps),
    ...itemWriteRoutes({ ...deps, readBody }),
    ...itemBatchRoutes({ ...deps, log, bodyBytes, batchBytes }),
    ...imageRoutes(deps),
    ...auditRoutes(deps, log),
    ...snapshotRoutes(deps, createReadBody(smallBody)),
    ...sessionRoutes(access, createReadBody(smallBody)),
    ...metricsRoutes({ ...deps, metrics, queues }),
    ...aboutRoutes({ ...deps, isDraining: () => draining }),
    {
      method: 'get',
      scope: 'none',
      path: '/openapi.json',
      operation: 'getOpenApi',
      summary: 'This document',
      answer: { json: z.record(z.string(), z.unknown()), about: 'OpenAPI 3.1.' },
      errors: [],
      handle: (_request, response) => {
        response.type('application/json').send(document);
      },
    },
  ];
  const document = JSON.stringify(describeApi(routes));

  const app = express();
  app.set('etag', false); // hashing every answer costs more than it saves; pictures and the page have their own
  app.set('case sensitive routing', true);
  app.set('query parser', 'simple');
  app.set('trust proxy', deps.trustedProxies ?? false);
  app.use(
    nameRequests,
    observeRequests({ log, metrics, slowMs: limits.slowMs }),
    lingerWithin(bodyBytes + lingerBytes, lingerMs),
    refuseEarly(routes, queues),
    securityHeaders(),
    limitUrl,
    checkCaller(deps.allowedHosts, access.origins),
    allowOrigins(access.origins),
  );
  app.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    if (draining) response.set('Connection', 'close');
    next();
  });
  mountRoutes(app, routes, createGuard(access), { queues, requestMs: limits.requestMs });
  servePage(app, deps.page);
  app.use(routeNotFound, answerErrors(log, metrics));
  return {
    handler: app,
    drain() {
      draining = true;
    },
  };
}
