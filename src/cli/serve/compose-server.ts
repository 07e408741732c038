import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exists } from '../../core/files.js';
import { workerUrl } from '../../core/worker-url.js';
import { blockUnsafeLoaders } from '../../data/decode.js';
import { inspectUpload } from '../../data/upload.js';
import { auditCatalogue, createPictureHasher } from '../../evaluate/audit/catalogue.js';
import { createBlobStore } from '../../indexing/blobs.js';
import { createItemWriter } from '../../indexing/item-writer.js';
import { openShelf } from '../../indexing/snapshot/shelf.js';
import { createSearch } from '../../search/search.js';
import { createTruthMeter } from '../../search/truth-meter.js';
import type { Access } from '../../server/access/access.js';
import { createApp, type ServerApp } from '../../server/app.js';
import { defaultLimits, type AppLimits } from '../../server/deps.js';
import { createLog, type Log, type LogLevel } from '../../server/log.js';
import { createMetrics, type Metrics } from '../../server/metrics.js';
import { allowedHostsFor } from '../../server/middleware/security.js';
import { createQueues, type Queues } from '../../server/queues.js';
import type { ServedVersion } from './generation.js';

/** What `kindred serve` was told, as far as it is about the server. */
export interface ServerOptions {
  readonly index: string;
  readonly host: string;
  readonly snapshots?: string | undefined;
  readonly log: boolean;
  readonly logLevel?: LogLevel | undefined;
  readonly slowMs: number;
  /** s */
  readonly requestTimeout: number;
  readonly readOnly: boolean;
  readonly keys?: string | undefined;
  readonly allowKeylessWrites: boolean;
  readonly allowHost?: readonly string[] | undefined;
  readonly trustProxy?: readonly string[] | undefined;
  readonly storeImages: boolean;
  readonly truthShare: number;
}

/** The folder of the built page, or undefined when it is not built. */
async function findPage(): Promise<string | undefined> {
  const folder = fileURLToPath(workerUrl('../../web/', import.meta.url));
  return (await exists(join(folder, 'index.html'))) ? folder : undefined;
}

/** What stays while versions of the index come and go. */
export interface Lasting {
  readonly page: string | undefined;
  readonly access: Access;
  readonly log: Log;
  readonly limits: AppLimits;
  readonly metrics: Metrics;
  readonly queues: Queues;
}

/** Once a process. */
export async function prepareServer(options: ServerOptions): Promise<Omit<Lasting, 'access'>> {
  const { log, logLevel, slowMs, requestTimeout } = options;
  const limits: AppLimits = { ...defaultLimits, slowMs, requestMs: requestTimeout * 1000 };
  return {
    page: await findPage(),
    log: createLog(logLevel ?? (log ? 'info' : 'warn')),
    limits,
    metrics: createMetrics({ process: true }),
    queues: createQueues(limits),
  };
}

/** The server over one version of the index. */
export function composeServer(version: ServedVersion, options: ServerOptions, lasting: Lasting): ServerApp {
  const { index, catalogue, embedder, model, calibration, signal } = version;
  blockUnsafeLoaders();
  const hashPicture = createPictureHasher();
  const truthMeter = createTruthMeter({ catalogue, share: options.truthShare });
  signal.addEventListener('abort', () => truthMeter.close());
  return createApp({
    ...lasting,
    search: createSearch({ catalogue, embedder, calibration, truthMeter, observe: lasting.metrics.stage }),
    truthMeter,
    catalogue,
    model,
    ...((options.allowKeylessWrites || options.keys !== undefined) &&
      !options.readOnly && {
        writes: createItemWriter({
          catalogue,
          embedder,
          blobs: options.storeImages ? createBlobStore(index.folder) : null,
        }),
      }),
    inspect: inspectUpload,
    audit: (report) =>
      auditCatalogue(catalogue, {
        hashPicture,
        progress: ({ stage, done, total = 0 }) => report({ stage, done, total }),
        signal,
        picturesAtOnce: 1,
      }),
    snapshots: options.snapshots === undefined ? undefined : openShelf(options.index, options.snapshots, signal),
    allowedHosts: allowedHostsFor(options.host, options.allowHost),
    trustedProxies: options.trustProxy,
  });
}
