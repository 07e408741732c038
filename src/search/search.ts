import type { EmbedOutcome, Embedder, EmbedRequest } from '../core/embedder.js';
import { KindredError } from '../core/errors.js';
import type { Catalogue, Filter, Neighbour, SearchOptions } from '../indexing/catalogue.js';
import { isEmptyFilter, normalFilter } from '../indexing/item-filter.js';
import type { Calibration } from '../model/calibration.js';
import { queryHash, readCursor, writeCursor } from './cursor.js';
import {
  combine,
  countPictures,
  defaultNegativeWeight,
  embedded,
  itemNotFound,
  type Example,
  type Examples,
  type Resolved,
  resolvedItem,
  type ResolvedQuery,
  resolveExamples,
} from './examples.js';
import { gather, gatherGroups, type GatherOptions, type SearchGroup } from './gather.js';
import { createScoring, type ScoredNeighbour } from './scoring.js';
import { createStopwatch, type ObserveStage, type Stopwatch, type Timings } from './stopwatch.js';
import type { TruthMeter } from './truth-meter.js';

export interface SearchRequestOptions {
  /**
   * 1 … 1,000; 20 where absent. `auto`: as many of the nearest, at most 100, as keep the expected precision (the mean of
   * their scores) at `precision`. With `groupBy`, so many groups.
   */
  readonly limit?: number | 'auto' | undefined;
  /** 0 … 1, with `auto`; 0.9 where absent. */
  readonly precision?: number | undefined;
  readonly filter?: Filter | undefined;
  /** Compare with every vector instead of walking the graph. */
  readonly exact?: boolean | undefined;
  /** Breadth of the graph search; never less than `limit`. */
  readonly ef?: number | undefined;
  /** Only the best of all items with the same value in this field; items without it are left out. */
  readonly groupBy?: string | undefined;
  /** With `groupBy`: the best so many of each group; 1 where absent. */
  readonly groupSize?: number | undefined;
  /** 0 … 1: only results that likely, among the nearest 1,000. */
  readonly minScore?: number | undefined;
  /** 0 … 4: only results that near. */
  readonly maxDistance?: number | undefined;
  /** Of the page before, to go on with the same query where it ended. */
  readonly cursor?: string | undefined;
}

export interface SearchAnswer {
  /** Nearest first, never an item that was an example; with `groupBy` the best of each group. */
  readonly results: readonly ScoredNeighbour[];
  /** With `groupBy`. */
  readonly groups?: readonly SearchGroup[];
  readonly query: ResolvedQuery;
  /** Gives the next page; null when there is none. */
  readonly cursor: string | null;
  readonly timings: Timings;
}

export interface SearchQuery {
  readonly example: Example | Examples;
  readonly options?: SearchRequestOptions | undefined;
}

export interface Search {
  /** Names the model: equal fingerprints mean comparable embeddings. */
  readonly fingerprint: string;
  /**
   * The items nearest to an example, or to several.
   * @throws KindredError item-not-found, image-missing, image-unsupported, image-unreadable, image-too-large,
   * invalid-vector, invalid-cursor, unknown-filter-field, calibration-missing
   */
  readonly search: (example: Example | Examples, options?: SearchRequestOptions) => Promise<SearchAnswer>;
  /** Many searches at once, their pictures embedded together; one that fails is its error in the list. */
  readonly searchAll: (queries: readonly SearchQuery[]) => Promise<(SearchAnswer | KindredError)[]>;
  /** The embedding of one picture, unit length. @throws KindredError image-* */
  readonly embed: (request: EmbedRequest) => Promise<EmbedOutcome & { readonly ok: true }>;
}

export interface SearchParts {
  readonly catalogue: Catalogue;
  readonly embedder: Embedder;
  /** Of the embedder's model; without one there are no scores. */
  readonly calibration?: Pick<Calibration, 'fit' | 'distanceOnly'> | null | undefined;
  /** Is told what is searched for, to check a share of the answers. */
  readonly truthMeter?: TruthMeter | undefined;
  /** Told of each stage that succeeded; of 'embed' only where pictures were embedded. */
  readonly observe?: ObserveStage | undefined;
}

const defaultLimit = 20;

/** The most results of `limit=auto`. */
export const mostAutomatic = 100;
export const defaultPrecision = 0.9;

const noQuery: ResolvedQuery = { id: null, width: null, height: null };

function asExamples(example: Example | Examples): Examples {
  return 'positives' in example ? example : { positives: [example] };
}

/**
 * Turns examples into vectors and vectors into neighbours.
 * @throws KindredError model-mismatch when the embedder is not the model that made the catalogue
 */
export function createSearch({ catalogue, embedder, calibration, truthMeter, observe }: SearchParts): Search {
  if (catalogue.fingerprint !== embedder.fingerprint) {
    throw new KindredError('model-mismatch', 'the index was made by another model than the one given', {
      hint: 'Bring the index to this model: kindred reindex INDEX --model MODEL.',
    });
  }

  const scoring = createScoring({ catalogue, calibration: calibration ?? null });
  const resolveParts = { catalogue, embedder };

  const check = ({ limit, minScore }: SearchRequestOptions): void => {
    if (limit === 'auto') scoring.require('limit', 'limit auto');
    if (minScore !== undefined) scoring.require('minScore', 'minScore');
  };

  const catalogueOptions = (
    { exact, ef }: SearchRequestOptions,
    limit: number,
    filter: Filter | undefined,
    ids: readonly string[],
  ): Omit<SearchOptions, 'limit' | 'after'> => {
    const [id] = ids;
    return {
      ...(filter !== undefined && !isEmptyFilter(filter) && { filter }),
      ...(id !== undefined && { exclude: ids.length === 1 ? id : ids }),
      ...(exact !== undefined && { exact }),
      ...(ef !== undefined && { ef: Math.max(ef, limit) }),
    };
  };

  const answer = async (
    examples: Examples,
    options: SearchRequestOptions,
    resolved: readonly Resolved[],
    watch: Stopwatch,
    ahead?: readonly Neighbour[],
  ): Promise<SearchAnswer> => {
    const { negativeWeight = defaultNegativeWeight, positives } = examples;
    const { groupBy, groupSize = 1, minScore, maxDistance } = options;
    const vectors = resolved.map(({ vector }) => vector);
    const vector = combine(vectors.slice(0, positives.length), vectors.slice(positives.length), negativeWeight);
    const [only] = resolved.length === 1 ? resolved : [];
    const filter = options.filter === undefined ? undefined : normalFilter(options.filter);
    const name = queryHash(examples, [embedder.fingerprint, filter, groupBy, groupSize, minScore, maxDistance]);
    const place = options.cursor === undefined ? undefined : readCursor(name, options.cursor);
    const limit = limitOf(options);
    const ids = [...new Set(resolved.flatMap(({ query }) => query.id ?? []))];
    const after = place !== undefined && 'id' in place ? place : undefined;
    const wanted: GatherOptions = {
      vector,
      limit,
      options: catalogueOptions(options, limit, filter, ids),
      density: after?.density ?? only?.density ?? null,
      minScore,
      maxDistance,
      after: after && { distance: after.distance, id: after.id, rank: after.rank },
      ahead,
    };
    truthMeter?.sample(vector, wanted.options);
    const query = only?.query ?? noQuery;
    if (groupBy !== undefined) {
      const before = place !== undefined && 'groups' in place ? place.groups : [];
      const found = await gatherGroups({ scoring, watch }, wanted, { field: groupBy, size: groupSize, before });
      const results = found.groups.flatMap(({ results: [best] }) => best ?? []);
      const cursor = found.seen === undefined ? null : writeCursor(name, { groups: [...found.seen] });
      return { results, groups: found.groups, query, cursor, timings: watch.timings() };
    }
    const { results, end, density } = await gather({ scoring, watch }, wanted);
    const timings = watch.timings();
    if (options.limit === 'auto') {
      return { results: scoring.cut(results, options.precision ?? defaultPrecision), query, cursor: null, timings };
    }
    const cursor = end && writeCursor(name, { distance: end.distance, id: end.id, rank: end.rank ?? 1, density });
    return { results, query, cursor: cursor ?? null, timings };
  };

  /** An item and what is like it, in one call of the catalogue; undefined where it takes more. */
  const searchFrom = async (example: Example | Examples, options: SearchRequestOptions) => {
    const simple = 'id' in example && example.box === undefined;
    const { groupBy, cursor, minScore } = options;
    if (!simple || groupBy !== undefined || cursor !== undefined || minScore !== undefined) return undefined;
    const { id } = example;
    const watch = createStopwatch(observe);
    const limit = limitOf(options);
    const filter = options.filter === undefined ? undefined : normalFilter(options.filter);
    const wanted = { ...catalogueOptions(options, limit, filter, [id]), limit };
    const found = await watch.during('search', () => catalogue.searchFrom(id, wanted));
    if (found === null) throw itemNotFound(id);
    return answer(asExamples(example), options, [resolvedItem(found)], watch, found.neighbours);
  };

  const searchAll: Search['searchAll'] = async (queries) => {
    const embeds = queries.some(({ example }) => countPictures(example) > 0);
    const embedding = createStopwatch(embeds ? observe : undefined);
    const asked = queries.map(({ example, options = {} }) => ({ examples: asExamples(example), options }));
    const all = asked.map(({ examples: { positives, negatives = [] } }) => [...positives, ...negatives]);
    const vectors = await embedding.during('embed', () => resolveExamples(resolveParts, all.flat()));
    let from = 0;
    const parts = all.map(({ length }) => vectors.slice(from, (from += length)));
    return Promise.all(
      asked.map(async ({ examples, options }, index) => {
        const watch = createStopwatch(observe);
        const found = parts[index] ?? [];
        try {
          check(options);
          const failed = found.find((one) => one instanceof KindredError);
          if (failed !== undefined) return failed;
          const resolved = found.flatMap((one) => (one instanceof KindredError ? [] : [one]));
          const { timings, ...rest } = await answer(examples, options, resolved, watch);
          return { ...rest, timings: { ...timings, embed: embedding.timings().embed } };
        } catch (error) {
          if (error instanceof KindredError) return error;
          throw error;
        }
      }),
    );
  };

  return {
    fingerprint: embedder.fingerprint,
    async embed(request) {
      const [outcome] = await createStopwatch(observe).during('embed', () => embedder.embed([request]));
      if (outcome === undefined) throw new KindredError('internal', 'the embedder gave no outcome');
      return embedded(outcome);
    },
    searchAll: (queries) => track(truthMeter, () => searchAll(queries)),
    async search(example, options = {}) {
      check(options);
      const found = await track(truthMeter, async () => {
        const quick = await searchFrom(example, options);
        return quick ?? (await searchAll([{ example, options }]))[0];
      });
      if (found instanceof KindredError) throw found;
      if (found === undefined) throw new KindredError('internal', 'the search gave no answer');
      return found;
    },
  };
}

function limitOf({ limit = defaultLimit }: SearchRequestOptions): number {
  return limit === 'auto' ? mostAutomatic : limit;
}

function track<T>(meter: TruthMeter | undefined, work: () => Promise<T>): Promise<T> {
  return meter === undefined ? work() : meter.during(work);
}
