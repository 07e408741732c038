import { setTimeout } from 'node:timers/promises';
import type { CatalogueStats } from '../../indexing/catalogue.js';
import type { AppDeps } from '../deps.js';
import type { Metrics } from '../metrics.js';
import type { Queues } from '../queues.js';
import type { Route } from '../route.js';

/** A monitor asks while the server is at its limit, too: then the counts of the index may be those of before. */
const mostStatsMs = 1000;

export interface MetricsRouteParts extends Pick<AppDeps, 'catalogue' | 'model' | 'truthMeter'> {
  readonly metrics: Metrics;
  readonly queues: Queues;
}

export function metricsRoutes({ catalogue, model, metrics, queues, truthMeter }: MetricsRouteParts): Route[] {
  const readStats = (): Promise<CatalogueStats | null> =>
    Promise.race([catalogue.stats(), setTimeout(mostStatsMs, null, { ref: false })]);

  return [
    {
      method: 'get',
      scope: 'read',
      path: '/metrics',
      operation: 'getMetrics',
      summary: 'Measurements for Prometheus',
      answer: { mediaTypes: ['text/plain'], about: 'In its text format.' },
      errors: [],
      handle: async (_request, response) => {
        const truth = truthMeter?.snapshot() ?? null;
        const text = await metrics.expose({ queues, stats: await readStats(), model, truth });
        response.set('Content-Type', metrics.contentType).send(text);
      },
    },
  ];
}
