import { setImmediate } from 'node:timers/promises';
import { densityNeighbours, localDensity } from '../../core/local-density.js';
import { silent, type ReportProgress } from '../../core/progress.js';
import type { ScoredPair } from '../../model/calibration.js';
import { nearestNeighbours } from '../../metrics/neighbours.js';
import { stopIfAborted } from '../embed-items.js';

/** Neighbours of a query that a calibration looks at: about what a long page of results shows. */
export const neighboursPerQuery = 100;

/** A query and one of its nearest neighbours. */
export interface LabelledPair extends ScoredPair {
  /** Class numbers of both ends. */
  readonly queryClass: number;
  readonly itemClass: number;
  /** 1 when both are of the same class, else 0. */
  readonly same: 0 | 1;
}

/** One query's neighbours, nearest first. */
export interface QueryPairs {
  readonly pairs: readonly LabelledPair[];
  /** Items of the query's class in the gallery, itself not counted. */
  readonly relevant: number;
}

export interface PairOptions {
  /** Rows of `dimension` values, unit length. */
  readonly gallery: Float32Array;
  readonly galleryClasses: Int32Array;
  readonly queries: Float32Array;
  readonly queryClasses: Int32Array;
  /** The query's own place in the gallery, or −1: no query finds itself. */
  readonly selves: Int32Array;
  readonly dimension: number;
  /** Of the gallery's items, where they are known; absent: computed. */
  readonly densities?: readonly (number | null)[] | undefined;
  readonly progress?: ReportProgress;
  readonly signal?: AbortSignal;
}

const queriesPerTurn = 128;

interface Walk {
  readonly indices: Int32Array;
  readonly distances: Float64Array;
}

/** The neighbours of some queries in blocks, without themselves, so that the event loop breathes between them. */
async function* neighbourRows(
  options: Omit<PairOptions, 'queryClasses' | 'galleryClasses'>,
  k: number,
  stage: string,
): AsyncGenerator<Walk> {
  const { gallery, queries, selves, dimension, progress = silent } = options;
  const signal = options.signal ?? new AbortController().signal;
  const galleryCount = gallery.length / dimension;
  // One more than wanted: the query itself may be among them.
  const asked = Math.min(k + 1, galleryCount);
  for (let first = 0; first < selves.length; first += queriesPerTurn) {
    const last = Math.min(selves.length, first + queriesPerTurn);
    const block = queries.subarray(first * dimension, last * dimension);
    const found = nearestNeighbours({ queries: block, gallery, dimension, k: asked });
    for (let query = first; query < last; query++) {
      const at = (query - first) * asked;
      const kept: number[] = [];
      for (let i = at; i < at + asked && kept.length < k; i++) if (found.indices[i] !== selves[query]) kept.push(i);
      yield {
        indices: Int32Array.from(kept, (i) => found.indices[i] ?? 0),
        distances: Float64Array.from(kept, (i) => found.distances[i] ?? 0),
      };
    }
    progress({ stage, done: last, total: selves.length, unit: 'queries' });
    await setImmediate();
    stopIfAborted(signal);
  }
}

/** The local density of every row of a gallery, from exact neighbours. */
export async function galleryDensities(
  gallery: Float32Array,
  dimension: number,
  watch: Pick<PairOptions, 'progress' | 'signal'> = {},
): Promise<(number | null)[]> {
  const selves = Int32Array.from({ length: gallery.length / dimension }, (_, index) => index);
  const densities: (number | null)[] = [];
  const walk = neighbourRows(
    // After `watch`: a caller's own options may hold other queries, which must not take the place of the gallery.
    { ...watch, gallery, queries: gallery, selves, dimension },
    densityNeighbours,
    'densities',
  );
  for await (const { distances } of walk) densities.push(localDensity(distances));
  return densities;
}

/**
 * Every query with its nearest neighbours, up to `neighboursPerQuery`, and the local densities of both ends, all within
 * this gallery.
 * @throws KindredError interrupted, invalid-vector
 */
export async function collectPairs(options: PairOptions): Promise<QueryPairs[]> {
  const { gallery, galleryClasses, queryClasses, dimension, selves } = options;
  const densities = options.densities ?? (await galleryDensities(gallery, dimension, options));
  const sizes = new Map<number, number>();
  for (const label of galleryClasses) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const result: QueryPairs[] = [];
  for await (const { indices, distances } of neighbourRows(options, neighboursPerQuery, 'neighbours')) {
    const query = result.length;
    const queryClass = queryClasses[query] ?? -1;
    const queryDensity = localDensity(distances);
    const pairs = Array.from(indices, (index, rank): LabelledPair => {
      const itemClass = galleryClasses[index] ?? -1;
      return {
        distance: distances[rank] ?? 0,
        queryDensity,
        itemDensity: densities[index] ?? null,
        queryClass,
        itemClass,
        same: itemClass === queryClass ? 1 : 0,
      };
    });
    const own = (selves[query] ?? -1) >= 0 ? 1 : 0;
    result.push({ pairs, relevant: (sizes.get(queryClass) ?? 0) - own });
  }
  return result;
}
