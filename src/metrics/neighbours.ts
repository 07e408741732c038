import { KindredError } from '../core/errors.js';
import { rowCount, scoreBlocks, squaredNorms, type Rows } from './scores.js';

export interface NeighbourOptions {
  /** Rows of `dimension` values; unit length for cosine order, any length for Euclidean order. */
  readonly queries: Rows;
  /** Rows to search. Absent: the queries themselves, and no query finds itself. */
  readonly gallery?: Rows;
  readonly dimension: number;
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

/**
 * Exact nearest neighbours in blocks; never holds queries × gallery scores.
 * @throws KindredError dataset-too-small when k exceeds the gallery; invalid-vector
 */
export function nearestNeighbours({ queries, gallery, dimension, k }: NeighbourOptions): Neighbours {
  const searched = gallery ?? queries;
  const excludeSelf = gallery === undefined;
  const galleryCount = rowCount(searched, dimension);
  const available = galleryCount - (excludeSelf ? 1 : 0);
  if (!Number.isInteger(k) || k < 1 || k > available) {
    throw new KindredError('dataset-too-small', `${k} neighbours were asked for, of ${Math.max(0, available)} images`, {
      hint: 'Ask for at least 1 neighbour and no more than there are other images.',
    });
  }
  const queryCount = rowCount(queries, dimension);
  const indices = new Int32Array(queryCount * k);
  const distances = new Float64Array(queryCount * k);
  const norms = squaredNorms(queries, dimension);
  const best = new Float64Array(k);
  for (const { first, count, scores } of scoreBlocks(queries, searched, dimension)) {
    for (let row = 0; row < count; row++) {
      const query = first + row;
      const at = query * k;
      best.fill(-Infinity);
      let worst = -Infinity;
      for (let g = 0; g < galleryCount; g++) {
        const score = scores[row * galleryCount + g] ?? 0;
        // Strictly better only: the gallery is walked in order, so that the first of equals stays.
        if (score <= worst || (excludeSelf && g === query)) continue;
        let place = k - 1;
        for (; place > 0 && score > (best[place - 1] ?? 0); place--) {
          best[place] = best[place - 1] ?? 0;
          indices[at + place] = indices[at + place - 1] ?? 0;
        }
        best[place] = score;
        indices[at + place] = g;
        worst = best[k - 1] ?? 0;
      }
      for (let i = 0; i < k; i++) distances[at + i] = Math.max(0, (norms[query] ?? 0) - 2 * (best[i] ?? 0));
    }
  }
  return { k, indices, distances };
}
