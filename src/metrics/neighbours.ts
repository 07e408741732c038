import { KindredError } from '../core/errors.js';
import {
  checkSet,
  exactBlocks,
  exactScore,
  squaredNorms,
  type CheckedSet,
  type SearchSet,
  type TileConsumer,
} from './scores.js';

export interface NeighbourOptions extends SearchSet {
  /** Neighbours per query, 1 … gallery size (less one when the gallery is the queries). */
  readonly k: number;
}

export interface Neighbours {
  readonly k: number;
  /** queries × k gallery indices, nearest first; equal distances in order of gallery index. */
  readonly indices: Int32Array;
  /** queries × k squared Euclidean distances, ≥ 0; 0 … 4 on the unit sphere. */
  readonly distances: Float64Array;
}

/** @throws KindredError dataset-too-small when k is no whole number from 1 to the number of items that can be found */
export function checkK({ galleryCount, excludeSelf }: CheckedSet, k: number): void {
  const available = galleryCount - (excludeSelf ? 1 : 0);
  if (!Number.isInteger(k) || k < 1 || k > available) {
    throw new KindredError('dataset-too-small', `${k} neighbours were asked for, of ${Math.max(0, available)} images`, {
      hint: 'Ask for at least 1 neighbour and no more than there are other images.',
    });
  }
}

/**
 * The k nearest of some consecutive queries. Only an item whose score comes within `error` of the k-th best so far is
 * scored exactly, so that few are. Equal distances stay in order of gallery index.
 * @param error of the tiles' scores; see `ScoreBlocks`
 */
export function neighbourBlock(
  set: CheckedSet,
  first: number,
  count: number,
  k: number,
  error: number,
): TileConsumer<Neighbours> {
  const indices = new Int32Array(count * k);
  const best = new Float64Array(count * k).fill(-Infinity);
  return {
    add({ firstItem, items, scores }) {
      for (let row = 0; row < count; row++) {
        const query = first + row;
        const self = set.excludeSelf ? query - firstItem : -1;
        const start = row * k;
        const last = start + k - 1;
        let worst = best[last] ?? 0;
        let floor = worst - error;
        for (let i = 0; i < items; i++) {
          const near = scores[row * items + i] ?? 0;
          if (near < floor || i === self) continue;
          const score = error === 0 ? near : exactScore(set, query, firstItem + i);
          // Strictly better only: the gallery is walked in order, so that the first of equals stays.
          if (score <= worst) continue;
          let place = last;
          for (; place > start && score > (best[place - 1] ?? 0); place--) {
            best[place] = best[place - 1] ?? 0;
            indices[place] = indices[place - 1] ?? 0;
          }
          best[place] = score;
          indices[place] = firstItem + i;
          worst = best[last] ?? 0;
          floor = worst - error;
        }
      }
    },
    finish() {
      const { queries, dimension } = set;
      const norms = squaredNorms(queries.subarray(first * dimension, (first + count) * dimension), dimension);
      const distances = best.map((score, at) => Math.max(0, (norms[Math.floor(at / k)] ?? 0) - 2 * score));
      return { k, indices, distances };
    },
  };
}

/**
 * Exact nearest neighbours in blocks; never holds queries × gallery scores.
 * @throws KindredError dataset-too-small when k exceeds the gallery; invalid-vector
 */
export function nearestNeighbours({ k, ...options }: NeighbourOptions): Neighbours {
  const set = checkSet(options);
  checkK(set, k);
  const indices = new Int32Array(set.queryCount * k);
  const distances = new Float64Array(set.queryCount * k);
  const scores = exactBlocks(set);
  for (let first = 0; first < set.queryCount; first += scores.blockRows) {
    const count = Math.min(scores.blockRows, set.queryCount - first);
    const block = neighbourBlock(set, first, count, k, scores.error);
    for (const tile of scores.tiles(first, count)) block.add(tile);
    const found = block.finish();
    indices.set(found.indices, first * k);
    distances.set(found.distances, first * k);
  }
  return { k, indices, distances };
}
