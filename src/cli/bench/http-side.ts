import { createApp } from '../../server/app.js';
import { assembleApp } from '../../server/assemble.js';
import { createAccess } from '../../server/access/access.js';
import { defaultLimits } from '../../server/deps.js';
import { noLog } from '../../server/log.js';
import { createMetrics } from '../../server/metrics.js';
import { allowedHostsFor } from '../../server/middleware/security.js';
import { createQueues } from '../../server/queues.js';
import type { Route } from '../../server/route.js';
import { startServer } from '../../server/start.js';
import { KindredError } from '../../core/errors.js';
import type { Embedder } from '../../core/embedder.js';
import { openEmbeddedCatalogue } from '../../indexing/embedded/embedded-catalogue.js';
import type { Fit } from '../../model/calibration.js';
import { createSearch } from '../../search/search.js';
import { z } from 'zod';

/**
 * The measured server of `kindred bench http`, in a process of its own: one port searches the catalogue in the folder
 * that it is started with, the other has one route that answers with a constant of so many bytes. Prints
 * {"search": URL, "constant": URL} and serves until stdin ends.
 */

/** Scores depend on all that they can depend on, as those of a calibrated model do. */
const fit: Fit = {
  method: 'logistic',
  terms: [
    { feature: 'log-distance', mean: -1, deviation: 1, weight: -1 },
    { feature: 'query-density', mean: 0, deviation: 1, weight: 0.1 },
    { feature: 'item-density', mean: 0, deviation: 1, weight: 0.1 },
  ],
  intercept: 0,
};

const [folder = '', bytes = '0'] = process.argv.slice(2);
const catalogue = await openEmbeddedCatalogue({ folder, readOnly: true });
const { dimension, fingerprint } = catalogue;
const noPictures = (): Promise<never> => Promise.reject(new KindredError('internal', 'nothing is embedded here'));
const embedder: Embedder = {
  dimension,
  fingerprint,
  preferredBatch: 1,
  embed: noPictures,
  close: () => Promise.resolve(),
};
const metrics = createMetrics({ process: true });
const allowedHosts = allowedHostsFor('127.0.0.1');
const access = createAccess();
const searching = createApp({
  search: createSearch({ catalogue, embedder, calibration: { fit, distanceOnly: fit }, observe: metrics.stage }),
  catalogue,
  metrics,
  access,
  allowedHosts,
  model: {
    fingerprint,
    dimension,
    inputSize: 96,
    backbone: 'none',
    loss: null,
    densityTerm: null,
    metrics: {},
    dataset: null,
    madeBy: null,
  },
});

const text = JSON.stringify({ filler: 'x'.repeat(Math.max(0, Number(bytes) - '{"filler":""}'.length)) });
const route: Route = {
  method: 'get',
  scope: 'read',
  path: '/v1/items/:id/similar',
  operation: 'constant',
  summary: 'A constant',
  answer: { json: z.object({ filler: z.string() }), about: 'Always the same.' },
  errors: [],
  queue: 'searches',
  handle: (_request, response) => {
    response.type('json').send(text);
  },
};
const limits = defaultLimits;
const parts = { access, allowedHosts, limits, log: noLog, isDraining: () => false };
const constant = assembleApp([route], {
  ...parts,
  metrics: createMetrics({ process: true }),
  queues: createQueues(limits),
});
const anywhere = { host: '127.0.0.1', port: 0 };
const servers = [
  await startServer(searching, anywhere),
  await startServer({ handler: constant, drain: () => undefined }, anywhere),
];
console.log(JSON.stringify({ search: servers[0]?.url, constant: servers[1]?.url }));
process.stdin.resume().once('end', () => void catalogue.close().finally(() => process.exit()));
