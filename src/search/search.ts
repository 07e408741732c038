import type { EmbedOutcome, Embedder, EmbedRequest } from '../core/embedder.js';
import { KindredError } from '../core/errors.js';
import type { Box, ImageSource } from '../core/images.js';
import { checkedUnitVector } from '../core/vectors.js';
import type { Catalogue, CatalogueItem, Filter, Neighbour } from '../indexing/catalogue.js';

/** One thing to look like: a picture or a part of it, an item of the catalogue or a part of its picture, or a vector. */
export type Example =
  | { readonly image: ImageSource; readonly box?: Box | undefined }
  | { readonly id: string; readonly box?: Box | undefined }
  | { readonly vector: ArrayLike<number> };

export interface SearchRequestOptions {
  /** 1 … 1,000; 20 where absent. */
  readonly limit?: number | undefined;
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
  readonly results: readonly Neighbour[];
  readonly query: ResolvedQuery;
}

export interface Search {
  /** Names the model: equal fingerprints mean comparable embeddings. */
  readonly fingerprint: string;
  /**
   * The items nearest to an example.
   * @throws KindredError item-not-found, image-missing, image-unsupported, image-unreadable, image-too-large,
   * invalid-vector, unknown-filter-field
   */
  readonly search: (example: Example, options?: SearchRequestOptions) => Promise<SearchAnswer>;
  /** The embedding of one picture, unit length. @throws KindredError image-* */
  readonly embed: (request: EmbedRequest) => Promise<EmbedOutcome & { readonly ok: true }>;
}

export interface SearchParts {
  readonly catalogue: Catalogue;
  readonly embedder: Embedder;
}

const defaultLimit = 20;

interface Resolved {
  readonly vector: Float32Array;
  readonly query: ResolvedQuery;
}

/**
 * Turns examples into vectors and vectors into neighbours.
 * @throws KindredError model-mismatch when the embedder is not the model that made the catalogue
 */
export function createSearch({ catalogue, embedder }: SearchParts): Search {
  if (catalogue.fingerprint !== embedder.fingerprint) {
    throw new KindredError('model-mismatch', 'the index was made by another model than the one given', {
      hint: 'Index again with this model: kindred index --model MODEL --data DIR --out INDEX.',
    });
  }

  const embed: Search['embed'] = async (request) => {
    const [outcome] = await embedder.embed([request]);
    if (outcome === undefined) throw new KindredError('internal', 'the embedder gave no outcome');
    if (!outcome.ok) throw outcome.error;
    return outcome;
  };

  const resolveItem = async (id: string, box: Box | undefined): Promise<Resolved> => {
    const item = await catalogue.get(id);
    if (item === null) throw itemNotFound(id);
    if (box !== undefined) return { ...(await embedStored(item, box)), query: describe(item) };
    const vector = await catalogue.embedding(id);
    if (vector === null) throw itemNotFound(id); // deleted meanwhile
    return { vector, query: describe(item) };
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
      return { vector, query: { id: null, width: null, height: null } };
    }
    const box = example.box === undefined ? {} : { box: example.box };
    const { embedding, width, height } = await embed({ image: example.image, ...box });
    return { vector: embedding, query: { id: null, width, height } };
  };

  return {
    fingerprint: embedder.fingerprint,
    embed,
    async search(example, options = {}) {
      const { vector, query } = await resolve(example);
      const limit = options.limit ?? defaultLimit;
      const results = await catalogue.search(vector, {
        limit,
        ...(options.filter !== undefined && options.filter.length > 0 && { filter: options.filter }),
        ...(query.id !== null && { exclude: query.id }),
        ...(options.exact !== undefined && { exact: options.exact }),
        ...(options.ef !== undefined && { ef: Math.max(options.ef, limit) }),
      });
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
