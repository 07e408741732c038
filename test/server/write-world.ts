import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { createBlobStore } from '../../src/indexing/blobs.js';
import { openEmbeddedCatalogue, type EmbeddedCatalogue } from '../../src/indexing/embedded/embedded-catalogue.js';
import { createItemWriter } from '../../src/indexing/item-writer.js';
import { createSearch } from '../../src/search/search.js';
import type { ServerApp } from '../../src/server/app.js';
import type { AppLimits } from '../../src/server/deps.js';
import { searchResponseSchema } from '../../src/server/schemas/api.js';
import { fakeEmbedder } from './fakes.js';
import { createWorld, itemUrl, model, picture } from './helpers.js';

/** A server that takes writes into a real catalogue, empty at first, and embeds by mean colour. */
export interface WriteWorld {
  /** Holds the catalogue and the stored pictures. */
  readonly root: string;
  readonly catalogue: EmbeddedCatalogue;
  readonly app: ServerApp;
  /** One that takes no writes. */
  readonly closed: ServerApp;
  readonly red: Buffer;
  readonly blue: Buffer;
  /** Pictures embedded since the last emptying. */
  readonly embedded: () => number;
  /** The same catalogue behind other limits. */
  readonly withLimits: (limits: Partial<AppLimits>) => ServerApp;
  readonly put: (id: string) => request.Test;
  readonly remove: (id: string) => request.Test;
  readonly get: (path: string) => request.Test;
  /** Ids, nearest first. */
  readonly nearest: (vector: readonly number[]) => Promise<string[]>;
  readonly empty: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function createWriteWorld(): Promise<WriteWorld> {
  const world = await createWorld();
  const [red, blue] = await Promise.all([picture([200, 10, 30]), picture([10, 20, 220])]);
  const root = await mkdtemp(join(tmpdir(), 'kindred-writes-'));
  const { fingerprint, dimension } = model;
  const catalogue = await openEmbeddedCatalogue({ folder: root, create: { fingerprint, dimension }, imageRoot: root });
  let embedded = 0;
  const fake = fakeEmbedder();
  const embedder: typeof fake = Object.assign(fakeEmbedder(), {
    embed: (requests: Parameters<typeof fake.embed>[0]) => {
      embedded += requests.length;
      return fake.embed(requests);
    },
  });
  const parts = {
    search: createSearch({ catalogue, embedder }),
    catalogue,
    writes: createItemWriter({ catalogue, embedder, blobs: createBlobStore(root) }),
  };
  const app = world.withApp(parts);
  const { handler } = app;
  return {
    root,
    catalogue,
    app,
    closed: world.app,
    red,
    blue,
    embedded: () => embedded,
    withLimits: (limits) => world.withApp({ ...parts, limits }),
    put: (id) => request(handler).put(itemUrl(id)),
    remove: (id) => request(handler).delete(itemUrl(id)),
    get: (path) => request(handler).get(path),
    async nearest(vector) {
      const answer = await request(handler).post('/v1/search').send({ vector, limit: 5 });
      return searchResponseSchema.parse(answer.body).results.map(({ id }) => id);
    },
    async empty() {
      embedded = 0;
      const { items } = await catalogue.scan({ limit: 1000 });
      await catalogue.delete(items.map(({ id }) => id));
    },
    async close() {
      await catalogue.close();
      await world.close();
      await rm(root, { recursive: true });
    },
  };
}

/** Runs `use` against an app that listens on a port. */
export async function listening<T>({ handler }: ServerApp, use: (port: number) => Promise<T>): Promise<T> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  try {
    return await use(typeof address === 'object' && address ? address.port : 0);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
