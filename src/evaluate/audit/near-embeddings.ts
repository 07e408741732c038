import { setImmediate } from 'node:timers/promises';
import { nearPairs, type Hashes } from '../../core/near-hashes.js';
import { createRandom, gaussian } from '../../core/random.js';
import { squaredDistance } from '../../core/vectors.js';
import type { Match } from './groups.js';

/** Rows of `dimension` values, unit length. */
export interface EmbeddedRows {
  readonly embeddings: Float32Array;
  readonly dimension: number;
}

const planes = 64;

/** Two vectors at a squared distance of 0.02 differ in 3 of 64 signs on average, in more than 8 once in 300 times. */
const signRadius = 8;

/** Candidates looked at for each item, at most: where embeddings have collapsed, all are near all others. */
const mostPairsEach = 500;

/** Queries of the sample that tells what is near. */
const sampled = 24;

export const rowOf = ({ embeddings, dimension }: EmbeddedRows, at: number): Float32Array =>
  embeddings.subarray(at * dimension, (at + 1) * dimension);

function meanOf({ embeddings, dimension }: EmbeddedRows): Float64Array {
  const mean = new Float64Array(dimension);
  const count = embeddings.length / dimension;
  for (let at = 0; at < embeddings.length; at += dimension)
    for (let i = 0; i < dimension; i++) mean[i] = (mean[i] ?? 0) + (embeddings[at + i] ?? 0) / count;
  return mean;
}

/**
 * On which side of 64 random planes through the mean each row lies: vectors at angle θ around the mean differ in 64 θ/π bits
 * (M. Charikar: Similarity Estimation Techniques from Rounding Algorithms, STOC 2002).
 */
function signs(rows: EmbeddedRows): Hashes {
  const { embeddings, dimension } = rows;
  const random = createRandom('planes', dimension);
  const normals = Float32Array.from({ length: planes * dimension }, () => gaussian(random));
  const mean = meanOf(rows);
  const offsets = Float64Array.from({ length: planes }, (_, plane) =>
    mean.reduce((sum, value, i) => sum + value * (normals[plane * dimension + i] ?? 0), 0),
  );
  const words = new Uint32Array((embeddings.length / dimension) * 2);
  for (let at = 0; at < words.length / 2; at++)
    for (let plane = 0; plane < planes; plane++) {
      let sum = -(offsets[plane] ?? 0);
      const [row, normal] = [at * dimension, plane * dimension];
      for (let i = 0; i < dimension; i++) sum += (embeddings[row + i] ?? 0) * (normals[normal + i] ?? 0);
      if (sum > 0) words[2 * at + (plane >> 5)] = (words[2 * at + (plane >> 5)] ?? 0) | (1 << (plane & 31));
    }
  return words;
}

/** Median squared distance to the nearest other row, over some rows spread evenly; 0 for fewer than two rows. */
export function usualNearest(rows: EmbeddedRows): number {
  const count = rows.embeddings.length / rows.dimension;
  if (count < 2) return 0;
  const step = Math.max(1, Math.floor(count / sampled));
  const nearest: number[] = [];
  for (let query = 0; query < count && nearest.length < sampled; query += step) {
    let least = Infinity;
    for (let other = 0; other < count; other++)
      if (other !== query) least = Math.min(least, squaredDistance(rowOf(rows, query), rowOf(rows, other)));
    nearest.push(least);
  }
  return nearest.sort((a, b) => a - b)[Math.floor(nearest.length / 2)] ?? 0;
}

/**
 * Pairs of rows no further apart than `within`, without comparing all: those on the same side of most random planes. A pair
 * may be missed by chance, the likelier the further apart it is.
 */
export async function nearEmbeddings(
  rows: EmbeddedRows,
  within: number,
): Promise<{ matches: Match[]; complete: boolean }> {
  const words = signs(rows);
  const most = mostPairsEach * (words.length / 2);
  const matches: Match[] = [];
  let pairs = 0;
  for (const pair of nearPairs(words, signRadius)) {
    if (pair === null) {
      await setImmediate();
      continue;
    }
    if (++pairs > most) return { matches, complete: false };
    const distance = squaredDistance(rowOf(rows, pair.i), rowOf(rows, pair.j));
    if (distance <= within) matches.push({ a: pair.i, b: pair.j, exact: false, bits: null, distance });
  }
  return { matches, complete: true };
}
