import { KindredError } from '../core/errors.js';

/** Vectors stored one after another: `length / dimension` rows. */
export type Rows = Float32Array | Float64Array;

/** Scores of some consecutive queries against the whole gallery. */
export interface ScoreBlock {
  /** Index of the first query of this block. */
  readonly first: number;
  /** Queries in this block. */
  readonly count: number;
  /**
   * `count` rows, one score for every gallery item: q·g − ‖g‖²/2. A higher score is nearer, and the squared Euclidean
   * distance is ‖q‖² − 2·score. The buffer is reused for the next block.
   */
  readonly scores: Float64Array;
}

const galleryTile = 256;
const blockBytes = 16 * 1024 * 1024;

/**
 * The number of rows of `values`.
 * @throws KindredError invalid-vector when the length is no multiple of the dimension or a value is not finite
 */
export function rowCount(values: Rows, dimension: number): number {
  if (!Number.isInteger(dimension) || dimension < 1 || values.length % dimension !== 0) {
    throw new KindredError('invalid-vector', `${values.length} numbers are no whole rows of ${dimension}`);
  }
  // A sum is NaN or infinite when any value is: one cheap pass instead of a test for each.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] ?? 0) * 0;
  if (sum !== 0) throw new KindredError('invalid-vector', 'an embedding holds a value that is not a finite number');
  return values.length / dimension;
}

/** Summed in the order of the dimensions, as the tile does, so that equal vectors get equal scores to the last bit. */
function dotRow(a: Float64Array, aStart: number, b: Float64Array, bStart: number, dimension: number): number {
  let sum = 0;
  for (let i = 0; i < dimension; i++) sum += (a[aStart + i] ?? 0) * (b[bStart + i] ?? 0);
  return sum;
}

/** Two queries against four gallery rows at a time: eight independent sums keep the processor's adders busy. */
function scoreTile(
  queries: Float64Array,
  count: number,
  tile: Float64Array,
  tileCount: number,
  dimension: number,
  halfNorms: Float64Array,
  tileFirst: number,
  scores: Float64Array,
  galleryCount: number,
): void {
  for (let q = 0; q < count; q += 2) {
    const paired = q + 1 < count;
    const a = q * dimension;
    const b = paired ? a + dimension : a;
    const rowA = q * galleryCount + tileFirst;
    const rowB = paired ? rowA + galleryCount : rowA;
    let g = 0;
    for (; g + 3 < tileCount; g += 4) {
      const c = g * dimension;
      let [s0, s1, s2, s3, t0, t1, t2, t3] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let i = 0; i < dimension; i++) {
        const x = queries[a + i] ?? 0;
        const y = queries[b + i] ?? 0;
        const g0 = tile[c + i] ?? 0;
        const g1 = tile[c + dimension + i] ?? 0;
        const g2 = tile[c + 2 * dimension + i] ?? 0;
        const g3 = tile[c + 3 * dimension + i] ?? 0;
        s0 += x * g0;
        s1 += x * g1;
        s2 += x * g2;
        s3 += x * g3;
        t0 += y * g0;
        t1 += y * g1;
        t2 += y * g2;
        t3 += y * g3;
      }
      const h0 = halfNorms[tileFirst + g] ?? 0;
      const h1 = halfNorms[tileFirst + g + 1] ?? 0;
      const h2 = halfNorms[tileFirst + g + 2] ?? 0;
      const h3 = halfNorms[tileFirst + g + 3] ?? 0;
      scores[rowA + g] = s0 - h0;
      scores[rowA + g + 1] = s1 - h1;
      scores[rowA + g + 2] = s2 - h2;
      scores[rowA + g + 3] = s3 - h3;
      scores[rowB + g] = t0 - h0;
      scores[rowB + g + 1] = t1 - h1;
      scores[rowB + g + 2] = t2 - h2;
      scores[rowB + g + 3] = t3 - h3;
    }
    for (; g < tileCount; g++) {
      const half = halfNorms[tileFirst + g] ?? 0;
      scores[rowA + g] = dotRow(queries, a, tile, g * dimension, dimension) - half;
      scores[rowB + g] = dotRow(queries, b, tile, g * dimension, dimension) - half;
    }
  }
}

/** ‖row‖² of every row, summed like the scores. */
export function squaredNorms(rows: Rows, dimension: number): Float64Array {
  const norms = new Float64Array(rows.length / dimension);
  const row = new Float64Array(dimension);
  for (let i = 0; i < norms.length; i++) {
    row.set(rows.subarray(i * dimension, (i + 1) * dimension));
    norms[i] = dotRow(row, 0, row, 0, dimension);
  }
  return norms;
}

/**
 * Scores every query against every gallery item, some queries at a time: memory stays near 16 MiB (one row of scores
 * where the gallery is larger than that) whatever the number of queries. Sums are in double precision.
 * @throws KindredError invalid-vector
 */
export function* scoreBlocks(queries: Rows, gallery: Rows, dimension: number): Generator<ScoreBlock> {
  const queryCount = rowCount(queries, dimension);
  const galleryCount = rowCount(gallery, dimension);
  if (galleryCount === 0) return;
  const halfNorms = squaredNorms(gallery, dimension).map((value) => value / 2);
  const blockRows = Math.max(1, Math.min(128, Math.floor(blockBytes / 8 / galleryCount), queryCount));
  const block = new Float64Array(blockRows * dimension);
  const tile = new Float64Array(galleryTile * dimension);
  const scores = new Float64Array(blockRows * galleryCount);
  for (let first = 0; first < queryCount; first += blockRows) {
    const count = Math.min(blockRows, queryCount - first);
    block.set(queries.subarray(first * dimension, (first + count) * dimension));
    for (let start = 0; start < galleryCount; start += galleryTile) {
      const tileCount = Math.min(galleryTile, galleryCount - start);
      tile.set(gallery.subarray(start * dimension, (start + tileCount) * dimension));
      scoreTile(block, count, tile, tileCount, dimension, halfNorms, start, scores, galleryCount);
    }
    yield { first, count, scores };
  }
}
