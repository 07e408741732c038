import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBlobStore } from '../../src/indexing/blobs.js';
import { openIndex } from '../../src/indexing/index-folder.js';
import { createItemWriter } from '../../src/indexing/item-writer.js';
import { openShelf } from '../../src/indexing/snapshot/shelf.js';
import { createSearch } from '../../src/search/search.js';
import { startServer, type RunningServer } from '../../src/server/start.js';
import { createTestIndex } from '../cli/helpers-serve.js';
import { createWorld } from '../server/helpers.js';

export interface ClientWorld {
  readonly server: RunningServer;
  readonly folder: string;
  close(): Promise<void>;
}

/** A real server over a real index that takes writes and snapshots; the embedding is the mean colour. */
export async function createClientWorld(): Promise<ClientWorld> {
  const world = await createWorld();
  const test = await createTestIndex();
  const folder = await mkdtemp(join(tmpdir(), 'kindred-client-'));
  const index = await openIndex(test.folder);
  const { catalogue } = index;
  const { embedder } = world;
  const app = world.withApp({
    catalogue,
    search: createSearch({ catalogue, embedder }),
    writes: createItemWriter({ catalogue, embedder, blobs: createBlobStore(index.folder) }),
    snapshots: openShelf(test.folder, join(folder, 'shelf'), new AbortController().signal),
  });
  const server = await startServer(app, { host: '127.0.0.1', port: 0 });
  return {
    server,
    folder,
    async close() {
      await server.close();
      await index.close();
      await Promise.all([test.close(), world.close(), rm(folder, { recursive: true })]);
    },
  };
}
