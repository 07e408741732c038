import type { RequestListener } from 'node:http';
import { z } from 'zod';
import { createAccess } from './access/access.js';
import { assembleApp } from './assemble.js';
import { defaultLimits, type AppDeps } from './deps.js';
import { noLog } from './log.js';
import { createMetrics } from './metrics.js';
import { createReadBody } from './middleware/body.js';
import { describeApi } from './openapi.js';
import { createQueues } from './queues.js';
import type { Route } from './route.js';
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
export interface ServerApp {
  /** For node:http, or supertest. */
  readonly handler: RequestListener;
  /** From now on /readyz says no and connections are not kept. */
  drain(): void;
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

  const app = assembleApp(routes, { ...deps, access, limits, log, metrics, queues, isDraining: () => draining });
  return {
    handler: app,
    drain() {
      draining = true;
    },
  };
}
