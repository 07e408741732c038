import type { RequestListener } from 'node:http';
import express, { type Express, type RequestHandler } from 'express';
import { z } from 'zod';
import { KindredError } from '../core/errors.js';
import { createAccess } from './access/access.js';
import { createGuard } from './access/guard.js';
import { defaultLimits, type AppDeps } from './deps.js';
import { createLimiter } from './limiter.js';
import { noLog, type Log } from './log.js';
import { createReadBody } from './middleware/body.js';
import { allowOrigins } from './middleware/cors.js';
import { answerErrors, routeNotFound } from './middleware/errors.js';
import { checkCaller, limitUrl, securityHeaders } from './middleware/security.js';
import { describeApi } from './openapi.js';
import { nameRequests, requestIdOf } from './request-id.js';
import { mountRoutes, type Route } from './route.js';
import { aboutRoutes } from './routes/about.js';
import { auditRoutes } from './routes/audit.js';
import { imageRoutes } from './routes/images.js';
import { itemBatchRoutes } from './routes/item-batch.js';
import { itemWriteRoutes } from './routes/item-writes.js';
import { itemRoutes } from './routes/items.js';
import { sessionRoutes } from './routes/session.js';
import { snapshotRoutes } from './routes/snapshots.js';
import { searchBatchRoutes } from './routes/search-batch.js';
import { searchRoutes } from './routes/search.js';

/** Bytes of a body that holds a few options. */
const smallBody = 10_000;

export interface ServerApp {
  /** For node:http, or supertest. */
  readonly handler: RequestListener;
  /** From now on /readyz says no and connections are not kept. */
  drain(): void;
}

function logRequests(log: Log): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    response.once('close', () => {
      const ms = Math.round((performance.now() - started) * 10) / 10;
      const { statusCode: status, writableFinished: complete } = response;
      const { method, originalUrl: url } = request;
      log.info({ requestId: requestIdOf(response), method, url, status, ms, complete }, 'request');
    });
    next();
  };
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

  const imageQueries = createLimiter({ what: 'image queries', running: limits.imageQueries, waiting: 0 });
  const writing = createLimiter({ what: 'writes', running: limits.writes, waiting: 0 });
  const { bodyBytes, batchBytes } = limits;
  const readBody = createReadBody(bodyBytes);
  const routes: Route[] = [
    ...searchRoutes({ ...deps, readBody, imageQueries }),
    ...searchBatchRoutes({ ...deps, readBody, imageQueries }),
    ...itemRoutes(deps),
    ...itemWriteRoutes({ ...deps, readBody, running: writing }),
    ...itemBatchRoutes({ ...deps, running: writing, log, bodyBytes, batchBytes }),
    ...imageRoutes(deps),
    ...auditRoutes(deps, log),
    ...snapshotRoutes(deps, createReadBody(smallBody)),
    ...sessionRoutes(access, createReadBody(smallBody)),
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
  app.use(nameRequests, logRequests(log), securityHeaders(), limitUrl);
  app.use(checkCaller(deps.allowedHosts, access.origins), allowOrigins(access.origins));
  app.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    if (draining) response.set('Connection', 'close');
    next();
  });
  mountRoutes(app, routes, createGuard(access));
  servePage(app, deps.page);
  app.use(routeNotFound, answerErrors(log));
  return {
    handler: app,
    drain() {
      draining = true;
    },
  };
}
