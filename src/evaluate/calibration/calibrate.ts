import { densityNeighbours } from '../../core/local-density.js';
import type { ReportProgress } from '../../core/progress.js';
import { createRandom, shuffled } from '../../core/random.js';
import { version } from '../../core/version.js';
import type { Calibration } from '../../model/calibration.js';
import { bestOf, crossValidate, fitPairs, folds, requireClasses } from './fit.js';
import { collectPairs, neighboursPerQuery, type LabelledPair, type QueryPairs } from './pairs.js';

/** More queries than this say nothing new about four numbers and a curve. */
const mostQueries = 1000;

/**
 * Shares of the gallery that are fitted together. How likely a neighbour at some distance is right depends on how many
 * others there are; the local densities tell, if the fit has seen galleries of more than one size.
 */
const galleryShares: readonly number[] = [1, 0.3, 0.1];

/** Items with what they look like and what they are. */
export interface LabelledSet {
  /** Rows of `dimension` values, unit length. */
  readonly embeddings: Float32Array;
  /** The class of each row; −1 for an item without one: it is found, but is no query and nothing to fit. */
  readonly classes: Int32Array;
  readonly dimension: number;
  /** Local densities of the rows where they are known already, in this very set. */
  readonly densities?: readonly (number | null)[] | undefined;
  /** Whether a row may be a query; absent: all that have another of their class. */
  readonly isQuery?: ((row: number) => boolean) | undefined;
}

export interface CalibrateOptions extends LabelledSet {
  readonly fingerprint: string;
  /** What the items are, e.g. a data set and its split. */
  readonly of: { readonly name: string; readonly split?: string };
  readonly progress?: ReportProgress;
  readonly signal?: AbortSignal;
}

/** Rows that have another of their class to find, at most `mostQueries`, drawn with a fixed seed. */
export function queryRows({ classes, isQuery }: LabelledSet, most: number = mostQueries): number[] {
  const sizes = new Map<number, number>();
  for (const label of classes) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const rows = [...classes.keys()].filter((row) => {
    const label = classes[row] ?? -1;
    return label >= 0 && (sizes.get(label) ?? 0) > 1 && (isQuery?.(row) ?? true);
  });
  if (rows.length <= most) return rows;
  return shuffled(rows, createRandom('calibration queries'))
    .slice(0, most)
    .sort((a, b) => a - b);
}

/** Some rows of a set, one after the other. */
export function rowsOf({ embeddings, dimension }: LabelledSet, rows: readonly number[]): Float32Array {
  const picked = new Float32Array(rows.length * dimension);
  rows.forEach((row, i) => {
    picked.set(embeddings.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  });
  return picked;
}

/** The queries' neighbours in a part of the gallery, drawn with a fixed seed; no query finds itself. */
export async function searchPart(
  set: LabelledSet & { readonly progress?: ReportProgress; readonly signal?: AbortSignal },
  queries: readonly number[],
  share: number,
): Promise<QueryPairs[]> {
  const { classes, embeddings, densities, dimension, progress, signal } = set;
  const all = [...classes.keys()];
  const drawn = shuffled(all, createRandom('part of the gallery', String(share)));
  const members = share === 1 ? all : drawn.slice(0, Math.ceil(all.length * share)).sort((a, b) => a - b);
  const place = new Map(members.map((row, at) => [row, at]));
  return collectPairs({
    dimension,
    gallery: share === 1 ? embeddings : rowsOf(set, members),
    galleryClasses: Int32Array.from(members, (row) => classes[row] ?? -1),
    queries: rowsOf(set, queries),
    queryClasses: Int32Array.from(queries, (row) => classes[row] ?? -1),
    selves: Int32Array.from(queries, (row) => place.get(row) ?? -1),
    ...(share === 1 && { densities }),
    ...(progress && { progress }),
    ...(signal && { signal }),
  });
}

/**
 * Fits the probability that a neighbour is of the query's class, on items with known classes: each searches among all
 * others. The way of fitting (isotonic or logistic) and whether it sees densities are chosen by the Brier score on classes
 * left out of the fit; beside it is the best that has the distance alone.
 * @throws KindredError dataset-too-small with too few classes, or when every neighbour is right; interrupted
 */
export async function calibrate(options: CalibrateOptions): Promise<Calibration> {
  const { classes, dimension, fingerprint, of, embeddings } = options;
  const rows = queryRows(options);
  const queryClasses = Int32Array.from(rows, (row) => classes[row] ?? -1);
  const count = new Set(queryClasses).size;
  requireClasses(count);
  const pairs: LabelledPair[] = [];
  for (const share of galleryShares) {
    const found = await searchPart(options, rows, share);
    // An unlabelled neighbour may well be right: nobody knows, so it teaches nothing.
    for (const query of found) pairs.push(...query.pairs.filter(({ itemClass }) => itemClass >= 0));
  }
  const candidates = crossValidate(pairs);
  return {
    formatVersion: 1,
    fingerprint,
    densityNeighbours,
    fittedOn: {
      ...of,
      classes: count,
      queries: rows.length,
      neighbours: Math.min(neighboursPerQuery, classes.length - 1),
      gallery: embeddings.length / dimension,
    },
    crossValidation: { folds, candidates },
    fit: fitPairs(pairs, bestOf(candidates)),
    distanceOnly: fitPairs(pairs, bestOf(candidates, false)),
    withDensity: fitPairs(pairs, bestOf(candidates, true)),
    kindred: version,
    createdAt: new Date().toISOString(),
  };
}
