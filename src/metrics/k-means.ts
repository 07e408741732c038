import { KindredError } from '../core/errors.js';
import { createRandom } from '../core/random.js';
import { nearestNeighbours, type NeighbourOptions, type Neighbours } from './neighbours.js';
import { rowCount, type Rows } from './scores.js';

/** The search for the nearest centre: `nearestNeighbours`, or one that gives the same answers faster. */
export type FindNearest = (options: NeighbourOptions) => Promise<Neighbours>;

export interface KMeansOptions {
  readonly rows: Rows;
  readonly dimension: number;
  /** Clusters: 1 … rows. */
  readonly k: number;
  readonly seed?: number;
  /** Rounds at most; 100 unless given. It ends before when no row changes its cluster. */
  readonly rounds?: number;
  readonly nearest?: FindNearest;
  /** Called between pieces of work with what is done, of about `total`; may throw to stop. */
  readonly onProgress?: (done: number, total: number) => Promise<void> | void;
}

export interface KMeans {
  /** Cluster of each row, 0 … k − 1; every cluster has a row unless fewer than k rows differ. */
  readonly clusters: Int32Array;
  /** k rows. */
  readonly centres: Float32Array;
  /** Sum of squared distances to the centres. */
  readonly inertia: number;
  readonly rounds: number;
  /** False when the rounds ran out. */
  readonly converged: boolean;
}

const plain: FindNearest = (options) => Promise.resolve(nearestNeighbours(options));

/** Starts between two reports. */
const startsPerReport = 64;

/**
 * k-means++ (Arthur, Vassilvitskii, 2007): the first centre at random, each other one a row drawn with a chance in
 * proportion to its squared distance from the nearest centre so far. One pass over the rows a centre.
 */
async function start({ rows, dimension, k, seed = 0, onProgress }: KMeansOptions, count: number, total: number) {
  const random = createRandom(seed, 'k-means');
  const centres = new Float32Array(k * dimension);
  const distances = new Float64Array(count).fill(Infinity);
  let chosen = Math.floor(random() * count);
  for (let c = 0; c < k; c++) {
    const centre = rows.slice(chosen * dimension, (chosen + 1) * dimension);
    centres.set(centre, c * dimension);
    let sum = 0;
    for (let row = 0, at = 0; row < count; row++) {
      let distance = 0;
      for (let i = 0; i < dimension; i++, at++) {
        const difference = (rows[at] ?? 0) - (centre[i] ?? 0);
        distance += difference * difference;
      }
      const nearest = Math.min(distance, distances[row] ?? 0);
      distances[row] = nearest;
      sum += nearest;
    }
    if (c % startsPerReport === startsPerReport - 1) await onProgress?.((c / k) * count, total);
    let target = random() * sum;
    // All rows coincide with a centre: any will do, and this takes them in turn.
    if (sum === 0) chosen = (c + 1) % count;
    else {
      chosen = 0;
      for (let row = 0; row < count; row++) {
        const distance = distances[row] ?? 0;
        if (distance === 0) continue;
        chosen = row;
        target -= distance;
        if (target <= 0) break;
      }
    }
  }
  return centres;
}

/** Means of the clusters; one that lost all its rows moves to the row that is farthest from its centre. */
function moveCentres(
  { rows, dimension, k }: KMeansOptions,
  clusters: Int32Array,
  distances: Float64Array,
): Float32Array<ArrayBuffer> {
  const sums = new Float64Array(k * dimension);
  const sizes = new Int32Array(k);
  clusters.forEach((cluster, row) => {
    sizes[cluster] = (sizes[cluster] ?? 0) + 1;
    for (let i = 0; i < dimension; i++) {
      const at = cluster * dimension + i;
      sums[at] = (sums[at] ?? 0) + (rows[row * dimension + i] ?? 0);
    }
  });
  const centres = Float32Array.from(sums, (sum, at) => sum / (sizes[Math.floor(at / dimension)] ?? 1));
  const empty = [...sizes.keys()].filter((cluster) => sizes[cluster] === 0);
  if (empty.length === 0) return centres;
  const farthest = [...distances.keys()].sort((a, b) => (distances[b] ?? 0) - (distances[a] ?? 0) || a - b);
  empty.forEach((cluster, index) => {
    const row = farthest[index] ?? 0;
    centres.set(rows.subarray(row * dimension, (row + 1) * dimension), cluster * dimension);
  });
  return centres;
}

/**
 * Lloyd's algorithm from a k-means++ start, once; the same seed gives the same clusters. Equal distances go to the first
 * centre. Memory: the rows and k centres beside a few numbers a row.
 * @throws KindredError invalid-vector; dataset-too-small when k is no whole number from 1 to the number of rows
 */
export async function kMeans(options: KMeansOptions): Promise<KMeans> {
  const { rows, dimension, k, rounds = 100, nearest = plain, onProgress } = options;
  const count = rowCount(rows, dimension);
  if (!Number.isInteger(k) || k < 1 || k > count) {
    throw new KindredError('dataset-too-small', `${k} clusters were asked for, of ${count} images`);
  }
  const total = count * (1 + rounds);
  let centres = await start(options, count, total);
  let clusters = new Int32Array(count).fill(-1);
  for (let round = 1; ; round++) {
    const found = await nearest({ queries: rows, gallery: centres, dimension, k: 1 });
    const moved = found.indices.some((cluster, row) => cluster !== clusters[row]);
    clusters = Int32Array.from(found.indices);
    if (!moved || round >= rounds) {
      const inertia = found.distances.reduce((sum, distance) => sum + distance, 0);
      await onProgress?.(total, total);
      return { clusters, centres, inertia, rounds: round, converged: !moved };
    }
    centres = moveCentres(options, clusters, found.distances);
    await onProgress?.(count * (1 + round), total);
  }
}
