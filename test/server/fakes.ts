import { createHash } from 'node:crypto';
import sharp from 'sharp';
import type { Embedder, EmbedOutcome, EmbedRequest } from '../../src/core/embedder.js';
import { KindredError } from '../../src/core/errors.js';
import { localDensity } from '../../src/core/local-density.js';
import { l2Normalize, squaredDistance } from '../../src/core/vectors.js';
import { inspectImage } from '../../src/data/decode.js';
import type { Catalogue, CatalogueItem, Filter, NewItem } from '../../src/indexing/catalogue.js';
import { filterFields, filterTest, normalFilter } from '../../src/indexing/item-filter.js';

const fingerprint = 'f'.repeat(64);
const dimension = 3;

/** An embedding one can predict: the mean colour of the picture, or of the box, as a direction. */
export async function meanColour({ image, box, hash }: EmbedRequest): Promise<EmbedOutcome & { ok: true }> {
  const source = 'bytes' in image ? Buffer.from(image.bytes) : image.path;
  const { width, height } = await inspectImage(image);
  let picture = sharp(source, { failOn: 'error' }).removeAlpha().toColourspace('srgb');
  if (box) {
    const [left, top] = [Math.floor(box.x * width), Math.floor(box.y * height)];
    picture = picture.extract({ left, top, width: Math.ceil(box.w * width), height: Math.ceil(box.h * height) });
  }
  let pixels: Buffer;
  try {
    pixels = await picture.resize(1, 1, { fit: 'fill', kernel: 'linear' }).raw().toBuffer();
  } catch (error) {
    throw new KindredError('image-unreadable', 'the image cannot be decoded', { cause: error });
  }
  const embedding = l2Normalize(Float32Array.from(pixels));
  const bytes = 'bytes' in image ? image.bytes : '';
  const contentHash = hash === true ? createHash('sha256').update(bytes).digest('hex') : null;
  return { ok: true, embedding, width, height, contentHash };
}

export interface FakeEmbedder extends Embedder {
  /** Holds every embedding back until the function it returns is called. */
  hold(): () => void;
  /** How many embeddings are asked for and not given. */
  readonly pending: number;
}

export function fakeEmbedder(changes: Partial<Embedder> = {}): FakeEmbedder {
  let gate = Promise.resolve();
  let pending = 0;
  const embedOne = async (request: EmbedRequest): Promise<EmbedOutcome> => {
    pending++;
    try {
      await gate;
      return await meanColour(request);
    } catch (error) {
      if (error instanceof KindredError) return { ok: false, error };
      throw error;
    } finally {
      pending--;
    }
  };
  return {
    dimension,
    fingerprint,
    preferredBatch: 4,
    embed: (requests) => Promise.all(requests.map(embedOne)),
    close: () => Promise.resolve(),
    ...changes,
    hold() {
      let release: () => void = () => undefined;
      gate = new Promise((resolve) => (release = resolve));
      return release;
    },
    get pending() {
      return pending;
    },
  };
}

/** The contract over a plain list; exact, and as slow as that. */
export function fakeCatalogue(items: readonly NewItem[], changes: Partial<Catalogue> = {}): Catalogue {
  const sorted = [...items].sort((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
  const find = (id: string) => sorted.find((item) => item.id === id);
  const strip = ({ embedding, ...item }: NewItem): CatalogueItem => (embedding.length > 0 ? item : item);
  const matches = (filter: Filter = { and: [] }) => {
    for (const field of filterFields(filter)) {
      if (field === 'id' || field === 'label' || items.some(({ metadata }) => Object.hasOwn(metadata, field))) continue;
      throw new KindredError('unknown-filter-field', `no item has a field "${field}"`, { field: 'filter' });
    }
    return sorted.filter(filterTest(normalFilter(filter)));
  };
  const densityOf = ({ id, embedding }: NewItem): number | null => {
    const others = sorted.filter((other) => other.id !== id);
    return localDensity(others.map((other) => squaredDistance(embedding, other.embedding)).sort((a, b) => a - b));
  };
  return {
    dimension,
    fingerprint,
    put: () => Promise.reject(new Error('not for writing')),
    delete: () => Promise.reject(new Error('not for writing')),
    get: (id) => {
      const item = find(id);
      return Promise.resolve(item ? strip(item) : null);
    },
    lookup: (id) => {
      const item = find(id);
      return Promise.resolve(item ? { item: strip(item), embedding: item.embedding, density: densityOf(item) } : null);
    },
    embedding: (id) => Promise.resolve(find(id)?.embedding ?? null),
    densities: (ids) =>
      Promise.resolve(
        ids.map((id) => {
          const item = find(id);
          return item === undefined ? null : densityOf(item);
        }),
      ),
    densityAt: (vector, { exclude } = {}) => {
      const others = sorted.filter(({ id }) => id !== exclude);
      const distances = others.map(({ embedding }) => squaredDistance(vector, embedding)).sort((a, b) => a - b);
      return Promise.resolve(localDensity(distances));
    },
    contentHashes: () => Promise.resolve(new Map(items.map(({ id, contentHash }) => [id, contentHash]))),
    changesSince: () => Promise.resolve([]),
    async scan({ limit, after, filter }) {
      const found = await Promise.resolve(matches(filter));
      const rest = found.filter(
        ({ id }) => after === undefined || Buffer.compare(Buffer.from(id), Buffer.from(after)) > 0,
      );
      const page = rest.slice(0, limit);
      const last = page.at(-1);
      return {
        items: page.map(strip),
        total: found.length,
        ...(last && rest.length > limit && { next: last.id }),
      };
    },
    async search(vector, { limit, filter, exclude = [], after }) {
      const candidates = await Promise.resolve(matches(filter));
      return candidates
        .filter(({ id }) => !(typeof exclude === 'string' ? [exclude] : exclude).includes(id))
        .map((item) => ({
          item: strip(item),
          distance: squaredDistance(vector, item.embedding),
          density: densityOf(item),
        }))
        .sort((a, b) => a.distance - b.distance)
        .filter(({ distance, item }) => {
          if (after === undefined || distance > after.distance) return true;
          return distance === after.distance && Buffer.compare(Buffer.from(item.id), Buffer.from(after.id)) > 0;
        })
        .slice(0, limit);
    },
    async searchFrom(id, options) {
      const found = await this.lookup(id);
      return found && { ...found, neighbours: await this.search(found.embedding, { ...options, exclude: id }) };
    },
    recall: () => Promise.resolve(1),
    stats: () =>
      Promise.resolve({
        items: items.length,
        labels: new Set(items.map(({ label }) => label)).size,
        dimension,
        fingerprint,
        changeNumber: items.length,
        graph: { state: 'none', items: 0, pending: 0 },
        densities: { items: items.length, changeNumber: items.length },
        fields: [{ field: 'category', distinct: 1, values: [{ value: 'fruit', count: 2 }] }],
        bytes: 123,
      }),
    snapshot: () => Promise.reject(new Error('not for writing')),
    close: () => Promise.resolve(),
    ...changes,
  };
}
