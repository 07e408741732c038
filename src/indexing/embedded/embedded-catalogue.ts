import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KindredError, writeError } from '../../core/errors.js';
import { fromStoredPath, toStoredPath } from '../blobs.js';
import type { Catalogue, CatalogueItem, Filter, NewItem } from '../catalogue.js';
import { filterLimits, normalFilter } from '../item-filter.js';
import { checkNewItem, checkVector } from '../item-rules.js';
import { copyCatalogue } from './check.js';
import { databaseFile, type Tuning, tuning as defaults } from './format.js';
import { migrateCatalogue } from './migrate.js';
import { OwnerClient } from './owner-client.js';
import { unpackNeighbours } from './packed.js';

export interface EmbeddedOptions {
  /** The folder that holds catalogue.db, graph.hnsw and graph.json. */
  readonly folder: string;
  readonly readOnly?: boolean;
  /** Create an empty catalogue for this model when there is none. */
  readonly create?: { readonly fingerprint: string; readonly dimension: number };
  /** The index folder, whose own pictures (blobs.ts) rows name relative to it, so that it can be moved. */
  readonly imageRoot?: string;
  /** Thresholds of the search plan and of the graph, for tests and measurements. */
  readonly tuning?: Partial<Tuning>;
  /** The script of another owner thread, to measure this one against. */
  readonly ownerScript?: URL;
}

export interface EmbeddedCatalogue extends Catalogue {
  /** What was found when opening, one line each: 'building the graph anew: …'. */
  readonly notes: readonly string[];
  /**
   * Resolves when every item is in the graph and every local density is up to date. Not needed for right answers, only
   * for the quickest ones and the truest scores.
   */
  settled(): Promise<void>;
}

function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new KindredError('invalid-request', `limit must be a whole number from 1 to 1000, not ${limit}`, {
      field: 'limit',
    });
  }
}

/** What a search asks for may be put around what a user asks for. */
const mostLevels = filterLimits.depth + 2;

/** @throws KindredError invalid-option: a filter that is too large */
function normalOptions<Options extends { readonly filter?: Filter }>(options: Options): Options {
  return options.filter === undefined ? options : { ...options, filter: normalFilter(options.filter, mostLevels) };
}

/** Without the embedding and anything else a caller's object may carry. */
function withoutEmbedding(item: NewItem): CatalogueItem {
  const { id, label, metadata, imagePath, width, height, contentHash } = item;
  return { id, label, metadata, imagePath, width, height, contentHash };
}

interface PathsOfItems {
  readonly stored: (item: CatalogueItem) => CatalogueItem;
  readonly shown: (item: CatalogueItem) => CatalogueItem;
  readonly shownPath: (path: string | null) => string | null;
}

function pathsBelow(root: string | undefined): PathsOfItems {
  if (root === undefined) return { stored: (item) => item, shown: (item) => item, shownPath: (path) => path };
  const shownPath = (path: string | null): string | null => fromStoredPath(root, path);
  return {
    stored: (item) => ({ ...item, imagePath: toStoredPath(root, item.imagePath) }),
    shown: (item) => ({ ...item, imagePath: shownPath(item.imagePath) }),
    shownPath,
  };
}

/**
 * A catalogue in SQLite with an HNSW graph, owned by a worker thread: no call blocks the event loop.
 * @throws KindredError index-missing, index-damaged, index-too-new, folder-not-writable, disk-full, addon-missing
 */
export async function openEmbeddedCatalogue(options: EmbeddedOptions): Promise<EmbeddedCatalogue> {
  const migrated = options.readOnly === true ? undefined : await migrateCatalogue(join(options.folder, databaseFile));
  const owner = new OwnerClient(options.ownerScript);
  const { stored, shown, shownPath } = pathsBelow(options.imageRoot);
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    try {
      await owner.call('close', undefined);
    } finally {
      await owner.gone();
    }
  };
  try {
    const {
      dimension,
      fingerprint,
      notes: found,
    } = await owner.call('open', {
      folder: options.folder,
      readOnly: options.readOnly ?? false,
      create: options.create,
      tuning: { ...defaults, ...options.tuning },
    });
    return {
      dimension,
      fingerprint,
      notes: migrated === undefined ? found : [migrated, ...found],
      async put(items, condition) {
        for (const item of items) checkNewItem(item, dimension);
        const embeddings = new Float32Array(items.length * dimension);
        items.forEach((item, index) => embeddings.set(item.embedding, index * dimension));
        return owner.call(
          'put',
          { items: items.map((item) => stored(withoutEmbedding(item))), embeddings, condition },
          [embeddings.buffer],
        );
      },
      delete: (ids, condition) => owner.call('delete', { ids, condition }),
      async get(id) {
        const item = await owner.call('get', id);
        return item && shown(item);
      },
      async lookup(id) {
        const found = await owner.call('lookup', id);
        return found && { ...found, item: shown(found.item) };
      },
      embedding: (id) => owner.call('embedding', id),
      densities: (ids) => owner.call('densities', ids),
      async densityAt(vector, densityOptions = {}) {
        checkVector(vector, dimension);
        return owner.call('densityAt', { vector, options: densityOptions });
      },
      contentHashes: () => owner.call('contentHashes', undefined),
      changesSince: (number, limit) => owner.call('changesSince', { number, limit }),
      async scan(scanOptions) {
        checkLimit(scanOptions.limit);
        const page = await owner.call('scan', normalOptions(scanOptions));
        return { ...page, items: page.items.map(shown) };
      },
      async search(vector, searchOptions) {
        checkLimit(searchOptions.limit);
        checkVector(vector, dimension);
        const found = await owner.call('search', { vector, options: normalOptions(searchOptions) });
        return unpackNeighbours(found, shownPath);
      },
      async searchFrom(id, searchOptions) {
        checkLimit(searchOptions.limit);
        const answer = await owner.call('searchFrom', { id, options: normalOptions(searchOptions) });
        if (answer === null) return null;
        const { item, embedding, density, found } = answer;
        return { item: shown(item), embedding, density, neighbours: unpackNeighbours(found, shownPath) };
      },
      async recall(vector, searchOptions) {
        checkLimit(searchOptions.limit);
        checkVector(vector, dimension);
        return owner.call('recall', { vector, options: normalOptions(searchOptions) });
      },
      stats: () => owner.call('stats', undefined),
      async snapshot(folder) {
        await mkdir(folder, { recursive: true }).catch((error: unknown) => {
          throw writeError(error, folder);
        });
        await copyCatalogue(join(options.folder, databaseFile), join(folder, databaseFile));
      },
      settled: () => owner.call('settled', undefined),
      close: () => (closed ??= close()),
    };
  } catch (error) {
    await owner.terminate();
    throw error;
  }
}
