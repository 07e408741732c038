import type { Catalogue } from '../indexing/catalogue.js';
import type { ItemWriter } from '../indexing/item-writer.js';
import type { Search } from '../search/search.js';
import type { Access } from './access/access.js';
import type { TruthMeter } from '../search/truth-meter.js';
import type { Log } from './log.js';
import type { Metrics } from './metrics.js';
import type { RunAudit } from './present-audit.js';
import type { QueueLimits, Queues } from './queues.js';
import type { ApiModel } from './schemas/api.js';
import type { SnapshotShelf } from './schemas/snapshots.js';

export interface AppLimits extends QueueLimits {
  /** Bytes of a body, after decompression. */
  readonly bodyBytes: number;
  /** Bytes of a whole batch, which is read as a stream. */
  readonly batchBytes: number;
  /** Within which a request is answered, in ms. */
  readonly requestMs: number;
  /** What takes longer is logged as slow, in ms. */
  readonly slowMs: number;
  /** Memory for thumbnails. */
  readonly thumbnailBytes: number;
}

export const defaultLimits: AppLimits = {
  bodyBytes: 20_000_000,
  batchBytes: 1_000_000_000,
  imageQueries: 64,
  embeddings: 16,
  searches: 256,
  writes: 64,
  requestMs: 60_000,
  slowMs: 1000,
  thumbnailBytes: 64 * 1024 * 1024,
};

/** What the server is made of; compose.ts and the tests hand it over. */
export interface AppDeps {
  readonly search: Search;
  readonly catalogue: Catalogue;
  readonly model: ApiModel;
  /** How right live answers are, as `search` tells it; absent: nothing is checked. */
  readonly truthMeter?: Pick<TruthMeter, 'snapshot'> | undefined;
  /** What writes go through; absent: they are refused. */
  readonly writes?: ItemWriter | undefined;
  /**
   * Refuses bytes that are no picture, or too large a one, from their header alone, so that they never wait for the
   * embedder. @throws KindredError image-unsupported, image-unreadable, image-too-large
   */
  readonly inspect?: ((bytes: Uint8Array) => Promise<unknown>) | undefined;
  /** What GET /v1/audit runs; absent: there is no such route. */
  readonly audit?: RunAudit | undefined;
  /** Where POST /v1/snapshots writes; absent: it says that there is no such folder. */
  readonly snapshots?: SnapshotShelf | undefined;
  /** The folder of the built page. */
  readonly page?: string | undefined;
  /** Keys, sessions and what goes without; absent: reading for whoever can connect, and nothing else. */
  readonly access?: Access | undefined;
  /** Host names to answer to; any where absent. See `allowedHostsFor`. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Addresses whose X-Forwarded-For and -Proto are believed, as Express takes them; none where absent. */
  readonly trustedProxies?: readonly string[] | undefined;
  readonly log?: Log | undefined;
  /** Shared by the versions of an index that one process serves in turn; made anew where absent. */
  readonly metrics?: Metrics | undefined;
  readonly queues?: Queues | undefined;
  readonly limits?: Partial<AppLimits> | undefined;
}
