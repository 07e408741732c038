import type { EmbedOutcome, Embedder, EmbedRequest } from '../core/embedder.js';
import { KindredError } from '../core/errors.js';
import type { Box, ImageSource } from '../core/images.js';
import { checkedUnitVector, l2Normalize, norm } from '../core/vectors.js';
import type { Catalogue, CatalogueItem, StoredItem } from '../indexing/catalogue.js';

/** One thing to look like: a picture or a part of it, an item of the catalogue or a part of its picture, or a vector. */
export type Example =
  | { readonly image: ImageSource; readonly box?: Box | undefined }
  | { readonly id: string; readonly box?: Box | undefined }
  | { readonly vector: ArrayLike<number> };

/** Several things to look like at once, and things not to look like. */
export interface Examples {
  /** At least one. */
  readonly positives: readonly Example[];
  readonly negatives?: readonly Example[] | undefined;
  /** γ of `combine`, 0 … 1; 0.25 where absent. */
  readonly negativeWeight?: number | undefined;
}

export const defaultNegativeWeight = 0.25;

/** The most examples of one query. */
export const mostExamples = 32;

/** Pictures that are embedded for it. */
export function countPictures(example: Example | Examples): number {
  const examples = 'positives' in example ? [...example.positives, ...(example.negatives ?? [])] : [example];
  return examples.filter((one) => 'image' in one || ('box' in one && one.box !== undefined)).length;
}

/** What was asked for, as far as it is known: the item's id, and the picture's pixels after EXIF rotation. */
export interface ResolvedQuery {
  readonly id: string | null;
  readonly width: number | null;
  readonly height: number | null;
}

export interface Resolved {
  readonly vector: Float32Array;
  readonly query: ResolvedQuery;
  /** The query's local density, where the index has it. */
  readonly density: number | null;
}

/** An example on its way to a vector: there already, or once its picture is embedded. */
type Pending = Resolved | { readonly request: EmbedRequest; readonly finish: (outcome: EmbedOutcome) => Resolved };

export interface ResolveParts {
  readonly catalogue: Catalogue;
  readonly embedder: Embedder;
}

/**
 * Vectors of examples, all pictures embedded in one call. An example that cannot be had is its error in the list.
 * @throws what is no KindredError
 */
export async function resolveExamples(
  parts: ResolveParts,
  examples: readonly Example[],
): Promise<(Resolved | KindredError)[]> {
  const pending = await Promise.all(examples.map((example) => orError(() => prepare(parts, example))));
  const requests = pending.flatMap((one) => ('request' in one ? [one.request] : []));
  const outcomes = requests.length === 0 ? [] : await parts.embedder.embed(requests);
  let next = 0;
  return Promise.all(
    pending.map(async (one): Promise<Resolved | KindredError> => {
      if (!('request' in one)) return one;
      const outcome = outcomes[next++];
      if (outcome === undefined) throw new KindredError('internal', 'the embedder gave no outcome');
      return orError(() => one.finish(outcome));
    }),
  );
}

async function orError<T>(work: () => T | Promise<T>): Promise<T | KindredError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KindredError) return error;
    throw error;
  }
}

async function prepare(parts: ResolveParts, example: Example): Promise<Pending> {
  if ('id' in example) return prepareItem(parts, example.id, example.box);
  if ('vector' in example) {
    const vector = checkedUnitVector(example.vector, parts.catalogue.dimension);
    return { vector, query: { id: null, width: null, height: null }, density: null };
  }
  const { image, box } = example;
  const finish = (outcome: EmbedOutcome): Resolved => {
    const { embedding, width, height } = embedded(outcome);
    return { vector: embedding, query: { id: null, width, height }, density: null };
  };
  return { request: { image, ...(box !== undefined && { box }) }, finish };
}

/** An item of the catalogue as an example. */
export function resolvedItem({ item, embedding, density }: StoredItem): Resolved {
  return { vector: embedding, query: describe(item), density };
}

async function prepareItem({ catalogue }: ResolveParts, id: string, box?: Box): Promise<Pending> {
  if (box === undefined) {
    const found = await catalogue.lookup(id);
    if (found === null) throw itemNotFound(id);
    return resolvedItem(found);
  }
  const item = await catalogue.get(id);
  if (item === null) throw itemNotFound(id);
  if (item.imagePath === null) {
    throw new KindredError('image-missing', `item "${item.id}" has no picture to take a part of`, {
      field: 'box',
      hint: 'Leave box out, or send a picture.',
    });
  }
  const finish = (outcome: EmbedOutcome): Resolved => {
    if (!outcome.ok) throw withoutPath(outcome.error, item.id);
    return { vector: outcome.embedding, query: describe(item), density: null };
  };
  return { request: { image: { path: item.imagePath }, box }, finish };
}

export function embedded(outcome: EmbedOutcome): EmbedOutcome & { readonly ok: true } {
  if (!outcome.ok) throw outcome.error;
  return outcome;
}

/**
 * One direction out of several: the mean of the positives − γ · the mean of the negatives, made unit length. This is
 * Rocchio's relevance feedback (1971; Manning, Raghavan and Schütze, Introduction to Information Retrieval, 9.1.1) with
 * α = 0 and β = 1: there is no query beside its examples.
 * @throws KindredError invalid-vector when nothing is left
 */
export function combine(
  positives: readonly Float32Array[],
  negatives: readonly Float32Array[],
  gamma: number,
): Float32Array {
  const [first = new Float32Array(0)] = positives;
  if (positives.length === 1 && negatives.length === 0) return first;
  const sum = new Float64Array(first.length);
  const add = (vectors: readonly Float32Array[], weight: number): void => {
    for (const vector of vectors) {
      vector.forEach((value, i) => (sum[i] = (sum[i] ?? 0) + (weight * value) / vectors.length));
    }
  };
  add(positives, 1);
  add(negatives, -gamma);
  const vector = Float32Array.from(sum);
  if (norm(vector) < 1e-6) {
    throw new KindredError('invalid-vector', 'the examples cancel each other out', {
      field: 'positives',
      hint: 'Leave one out, or choose a lower negativeWeight.',
    });
  }
  return l2Normalize(vector);
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
function withoutPath(error: KindredError, id: string): KindredError {
  const gone = error.code === 'file-not-found' || error.code === 'file-unreadable' || error.code === 'image-missing';
  if (gone) {
    return new KindredError('image-missing', `the picture of item "${id}" is no longer where it was`, { cause: error });
  }
  if (!error.code.startsWith('image-')) return error;
  return new KindredError(error.code, `the stored picture of item "${id}" cannot be read`, { cause: error });
}
