import type { EmbedOutcome, Embedder, EmbedRequest } from '../core/embedder.js';
import { KindredError } from '../core/errors.js';
import type { Box, ImageSource } from '../core/images.js';
import { checkedUnitVector } from '../core/vectors.js';
import type { Catalogue, CatalogueItem, Filter, SearchOptions } from '../indexing/catalogue.js';
import { isEmptyFilter } from '../indexing/item-filter.js';
import type { Calibration } from '../model/calibration.js';
import { createScoring, type ScoredNeighbour } from './scoring.js';

/** One thing to look like: a picture or a part of it, an item of the catalogue or a part of its picture, or a vector. */
export type Example =
  | { readonly image: ImageSource; readonly box?: Box | undefined }
  | { readonly id: string; readonly box?: Box | undefined }
  | { readonly vector: ArrayLike<number> };

export interface SearchRequestOptions {
  /**
   * 1 … 1,000; 20 where absent. `auto`: as many of the nearest, at most 100, as keep the expected precision (the mean of
   * their scores) at `precision`.
   */
  readonly limit?: number | 'auto' | undefined;
  /** 0 … 1, with `auto`; 0.9 where absent. */
  readonly precision?: number | undefined;
  readonly filter?: Filter | undefined;
  /** Compare with every vector instead of walking the graph. */
  readonly exact?: boolean | undefined;
  /** Breadth of the graph search; never less than `limit`. */
  readonly ef?: number | undefined;
}

/** What was asked for, as far as it is known: the item's id, and the picture's pixels after EXIF rotation. */
export interface ResolvedQuery {
  readonly id: string | null;
  readonly width: number | null;
  readonly height: number | null;
}

export interface SearchAnswer {
  /** Nearest first; never the queried item itself. */
  readonly results: readonly ScoredNeighbour[];
  readonly query: ResolvedQuery;
}

export interface Search {
  /** Names the model: equal fingerprints mean comparable embeddings. */
  readonly fingerprint: string;
  /**
   * The items nearest to an example.
   * @throws KindredError item-not-found, image-missing, image-unsupported, image-unreadable, image-too-large,
   * invalid-vector, unknown-filter-field, calibration-missing
   */
  readonly search: (example: Example, options?: SearchRequestOptions) => Promise<SearchAnswer>;
  /** The embedding of one picture, unit length. @throws KindredError image-* */
  readonly embed: (request: EmbedRequest) => Promise<EmbedOutcome & { readonly ok: true }>;
}

export interface SearchParts {
  readonly catalogue: Catalogue;
  readonly embedder: Embedder;
  /** Of the embedder's model; without one there are no scores. */
  readonly calibration?: Pick<Calibration, 'fit' | 'distanceOnly'> | null | undefined;
}

const defaultLimit = 20;

/** The most results of `limit=auto`. */
export const mostAutomatic = 100;
export const defaultPrecision = 0.9;

interface Resolved {
  readonly vector: Float32Array;
  readonly query: ResolvedQuery;
  /** The query's local density, where the index has it. */
  readonly density: number | null;
}

/**
 * Turns examples into vectors and vectors into neighbours.
 * @throws KindredError model-mismatch when the embedder is not the model that made the catalogue
 */
export function createSearch({ catalogue, embedder, calibration }: SearchParts): Search {
  if (catalogue.fingerprint !== embedder.fingerprint) {
    throw new KindredError('model-mismatch', 'the index was made by another model than the one given', {
      hint: 'Bring the index to this model: kindred reindex INDEX --model MODEL.',
    });
  }

  const scoring = createScoring({ catalogue, calibration: calibration ?? null });

  const embed: Search['embed'] = async (request) => {
    const [outcome] = await embedder.embed([request]);
    if (outcome === undefined) throw new KindredError('internal', 'the embedder gave no outcome');
    if (!outcome.ok) throw outcome.error;
    return outcome;
  };

  const resolveItem = async (id: string, box: Box | undefined): Promise<Resolved> => {
    if (box !== undefined) {
      const item = await catalogue.get(id);
      if (item === null) throw itemNotFound(id);
      return { ...(await embedStored(item, box)), query: describe(item), density: null };
    }
    const [item, vector, densities] = await Promise.all([
      catalogue.get(id),
      catalogue.embedding(id),
      scoring.usesQueryDensity ? catalogue.densities([id]) : [],
    ]);
    if (item === null || vector === null) throw itemNotFound(id);
    return { vector, query: describe(item), density: densities[0] ?? null };
  };

  const embedStored = async (item: CatalogueItem, box: Box): Promise<{ vector: Float32Array }> => {
    if (item.imagePath === null) {
      throw new KindredError('image-missing', `item "${item.id}" has no picture to take a part of`, {
        field: 'box',
        hint: 'Leave box out, or send a picture.',
      });
    }
    try {
      return { vector: (await embed({ image: { path: item.imagePath }, box })).embedding };
    } catch (error) {
      throw withoutPath(error, item.id);
    }
  };

  const resolve = async (example: Example): Promise<Resolved> => {
    if ('id' in example) return resolveItem(example.id, example.box);
    if ('vector' in example) {
      const vector = checkedUnitVector(example.vector, catalogue.dimension);
      return { vector, query: { id: null, width: null, height: null }, density: null };
    }
    const box = example.box === undefined ? {} : { box: example.box };
    const { embedding, width, height } = await embed({ image: example.image, ...box });
    return { vector: embedding, query: { id: null, width, height }, density: null };
  };

  return {
    fingerprint: embedder.fingerprint,
    embed,
    async search(example, options = {}) {
      if (options.limit === 'auto') scoring.require();
      const { vector, query, density } = await resolve(example);
      const limit = options.limit === 'auto' ? mostAutomatic : (options.limit ?? defaultLimit);
      const wanted: SearchOptions = {
        limit,
        ...(options.filter !== undefined && !isEmptyFilter(options.filter) && { filter: options.filter }),
        ...(query.id !== null && { exclude: query.id }),
        ...(options.exact !== undefined && { exact: options.exact }),
        ...(options.ef !== undefined && { ef: Math.max(options.ef, limit) }),
      };
      const scored = await scoring.search(vector, wanted, density);
      const results = options.limit === 'auto' ? scoring.cut(scored, options.precision ?? defaultPrecision) : scored;
      return { results, query };
    },
  };
}

export function itemNotFound(id: string): KindredError {
  const shown = id.length > 200 ? `${id.slice(0, 200)}…` : id;
  return new KindredError('item-not-found', `no item "${shown}" in this index`, {
    field: 'id',
    hint: 'An id is the picture’s path below the data folder, or what the CSV called it, as results show it.',
  });
}

function describe({ id, width, height }: CatalogueItem): ResolvedQuery {
  return { id, width, height };
}

/** The embedder names the file at fault; whoever asks knows the item by its id and must not learn where it lies. */
function withoutPath(error: unknown, id: string): unknown {
  if (!(error instanceof KindredError)) return error;
  const gone = error.code === 'file-not-found' || error.code === 'file-unreadable' || error.code === 'image-missing';
  if (gone) {
    return new KindredError('image-missing', `the picture of item "${id}" is no longer where it was`, { cause: error });
  }
  if (!error.code.startsWith('image-')) return error;
  return new KindredError(error.code, `the stored picture of item "${id}" cannot be read`, { cause: error });
}
