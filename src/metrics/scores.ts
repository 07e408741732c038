import { KindredError } from '../core/errors.js';

/** Vectors stored one after another: `length / dimension` rows. */
export type Rows = Float32Array | Float64Array;

/** Who searches, and what is searched. */
export interface SearchSet {
  /** Rows of `dimension` values: unit length for cosine order, any length for Euclidean order. */
  readonly queries: Rows;
  /** Rows to search. Absent: the queries themselves, and no query finds itself. */
  readonly gallery?: Rows;
  readonly dimension: number;
}

/**
 * Scores of some consecutive queries against some consecutive gallery items: q·g − ‖g‖²/2. A higher score is nearer, and
 * the squared Euclidean distance is ‖q‖² − 2·score.
 */
export interface ScoreTile {
  readonly firstQuery: number;
  readonly queries: number;
  readonly firstItem: number;
  readonly items: number;
  /** `queries` rows of `items` values. The buffer may be reused for the next tile. */
  readonly scores: Rows;
}

/** What a block of queries is compared by; `exactBlocks` is the plain one, others may be faster and less precise. */
export interface ScoreBlocks<Tiles extends Iterable<ScoreTile> | AsyncIterable<ScoreTile>> {
  /**
   * No score is further than this from the exact one (`exactScore`). Whoever takes the scores decides by exact ones
   * where this leaves a doubt, so that every implementation gives the same answers, to the last tie.
   */
  readonly error: number;
  /** Queries a block that this works best with. */
  readonly blockRows: number;
  /** The tiles of these queries against the whole gallery, in the gallery's order. */
  tiles(firstQuery: number, queries: number): Tiles;
}

/** Takes the tiles of one block of queries, then tells what they found. */
export interface TileConsumer<Result> {
  add(tile: ScoreTile): void;
  finish(): Result;
}

/** A search set that has been checked. */
export interface CheckedSet {
  readonly queries: Rows;
  readonly gallery: Rows;
  readonly dimension: number;
  readonly queryCount: number;
  readonly galleryCount: number;
  /** The gallery is the queries: no query finds itself. */
  readonly excludeSelf: boolean;
  /** ‖g‖²/2 of every gallery item. */
  readonly halfNorms: Float64Array;
}

const galleryTile = 256;
const queryBlock = 128;

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
function dotRow(a: Rows, aStart: number, b: Rows, bStart: number, dimension: number): number {
  let sum = 0;
  for (let i = 0; i < dimension; i++) sum += (a[aStart + i] ?? 0) * (b[bStart + i] ?? 0);
  return sum;
}

/** ‖row‖² of every row, summed like the scores. */
export function squaredNorms(rows: Rows, dimension: number): Float64Array {
  const norms = new Float64Array(rows.length / dimension);
  for (let i = 0; i < norms.length; i++) norms[i] = dotRow(rows, i * dimension, rows, i * dimension, dimension);
  return norms;
}

/** @throws KindredError invalid-vector */
export function checkSet({ queries, gallery: given, dimension }: SearchSet): CheckedSet {
  const gallery = given ?? queries;
  return {
    queries,
    gallery,
    dimension,
    queryCount: rowCount(queries, dimension),
    galleryCount: rowCount(gallery, dimension),
    excludeSelf: given === undefined,
    halfNorms: squaredNorms(gallery, dimension).map((value) => value / 2),
  };
}

/** The score that decides: in double precision, summed in the order of the dimensions. */
export function exactScore(set: CheckedSet, query: number, item: number): number {
  const { queries, gallery, dimension, halfNorms } = set;
  return dotRow(queries, query * dimension, gallery, item * dimension, dimension) - (halfNorms[item] ?? 0);
}

/** Two queries against four gallery rows at a time: eight independent sums keep the processor's adders busy. */
function scoreTile(
  queries: Float64Array,
  count: number,
  tile: Float64Array,
  items: number,
  dimension: number,
  halfNorms: Float64Array,
  scores: Float64Array,
): void {
  for (let q = 0; q < count; q += 2) {
    const paired = q + 1 < count;
    const a = q * dimension;
    const b = paired ? a + dimension : a;
    const rowA = q * items;
    const rowB = paired ? rowA + items : rowA;
    let g = 0;
    for (; g + 3 < items; g += 4) {
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
      const h0 = halfNorms[g] ?? 0;
      const h1 = halfNorms[g + 1] ?? 0;
      const h2 = halfNorms[g + 2] ?? 0;
      const h3 = halfNorms[g + 3] ?? 0;
      scores[rowA + g] = s0 - h0;
      scores[rowA + g + 1] = s1 - h1;
      scores[rowA + g + 2] = s2 - h2;
      scores[rowA + g + 3] = s3 - h3;
      scores[rowB + g] = t0 - h0;
      scores[rowB + g + 1] = t1 - h1;
      scores[rowB + g + 2] = t2 - h2;
      scores[rowB + g + 3] = t3 - h3;
    }
    for (; g < items; g++) {
      const half = halfNorms[g] ?? 0;
      scores[rowA + g] = dotRow(queries, a, tile, g * dimension, dimension) - half;
      scores[rowB + g] = dotRow(queries, b, tile, g * dimension, dimension) - half;
    }
  }
}

/** The default: loops in double precision, whose scores are exact as they are. A tile takes 2 KiB a query. */
export function exactBlocks(set: CheckedSet, blockRows = queryBlock): ScoreBlocks<Generator<ScoreTile>> {
  const { queries, gallery, dimension, galleryCount, halfNorms } = set;
  const block = new Float64Array(blockRows * dimension);
  const tile = new Float64Array(galleryTile * dimension);
  const scores = new Float64Array(blockRows * galleryTile);
  return {
    error: 0,
    blockRows,
    *tiles(firstQuery, count) {
      block.set(queries.subarray(firstQuery * dimension, (firstQuery + count) * dimension));
      for (let firstItem = 0; firstItem < galleryCount; firstItem += galleryTile) {
        const items = Math.min(galleryTile, galleryCount - firstItem);
        tile.set(gallery.subarray(firstItem * dimension, (firstItem + items) * dimension));
        scoreTile(block, count, tile, items, dimension, halfNorms.subarray(firstItem, firstItem + items), scores);
        yield { firstQuery, queries: count, firstItem, items, scores };
      }
    },
  };
}
