import { expectedPrecisionCut } from '../../core/local-density.js';
import { concatenate } from '../../core/vectors.js';
import type { ReportProgress } from '../../core/progress.js';
import { applyFit, scorePair, type Calibration } from '../../model/calibration.js';
import { queryRows, searchPart, type LabelledSet } from './calibrate.js';
import type { QueryPairs } from './pairs.js';
import { reliabilityOf, type Reliability } from './reliability.js';

/** The precisions that a user may ask for, and that are tried. */
export const askedPrecisions: readonly number[] = [0.5, 0.8, 0.9, 0.95];

/** What `limit=auto` gives for one precision. */
export interface ReachedPrecision {
  readonly asked: number;
  /** Share of all results given that are right; null when none was given. */
  readonly reached: number | null;
  /** Mean results of a query. */
  readonly results: number;
  /** Share of queries that got none. */
  readonly none: number;
  /** Share of what there was to find (within 100 neighbours) that was given. */
  readonly recall: number;
}

export interface CheckedGallery {
  readonly name: string;
  readonly gallery: number;
  readonly queries: number;
  readonly precisions: readonly ReachedPrecision[];
  /** Of the scores as given, and of the fits that have the distance alone and the densities, too. */
  readonly reliability: Reliability;
  readonly distanceOnly: Reliability;
  readonly withDensity: Reliability | null;
  /** As `precisions`, by the fit with densities. */
  readonly withDensityPrecisions: readonly ReachedPrecision[] | null;
}

type Fits = Pick<Calibration, 'fit' | 'distanceOnly'>;

function reached(queries: readonly QueryPairs[], calibration: Fits, asked: number): ReachedPrecision {
  let [right, given, empty, findable] = [0, 0, 0, 0];
  for (const { pairs } of queries) {
    const kept = expectedPrecisionCut(
      pairs.map((pair) => scorePair(calibration, pair)),
      asked,
    );
    given += kept;
    if (kept === 0) empty++;
    for (const [rank, { same }] of pairs.entries()) {
      findable += same;
      if (rank < kept) right += same;
    }
  }
  return {
    asked,
    reached: given === 0 ? null : right / given,
    results: given / queries.length,
    none: empty / queries.length,
    recall: findable === 0 ? 0 : right / findable,
  };
}

export interface CheckOptions extends LabelledSet {
  readonly calibration: Calibration;
  /** Items of another kind, which are never right. */
  readonly distractors?: Float32Array | undefined;
  readonly progress?: ReportProgress;
  readonly signal?: AbortSignal;
}

/**
 * What the scores are worth on classes that neither training nor calibration saw: the precision that `limit=auto` really
 * reaches with all of the gallery, with a tenth of it, and with items of another data set among it. Scores are computed as a
 * server would, from the gallery at hand.
 * @throws KindredError interrupted
 */
export async function checkCalibration(options: CheckOptions): Promise<CheckedGallery[]> {
  const { calibration, embeddings, classes, dimension, distractors } = options;
  const rows = queryRows(options);
  const { withDensity, distanceOnly } = calibration;
  const dense = withDensity ? { fit: withDensity, distanceOnly } : null;
  const strangers = distractors ? distractors.length / dimension : 0;
  const crowded: LabelledSet = {
    dimension,
    embeddings: concatenate([embeddings, ...(distractors ? [distractors] : [])]),
    classes: Int32Array.from([...classes, ...Array<number>(strangers).fill(-1)]),
  };
  const watch = {
    ...(options.progress && { progress: options.progress }),
    ...(options.signal && { signal: options.signal }),
  };
  const own = { embeddings, classes, dimension };
  const galleries = [
    { name: 'all', set: own, share: 1 },
    { name: 'a tenth', set: own, share: 0.1 },
    ...(distractors ? [{ name: 'with distractors', set: crowded, share: 1 }] : []),
  ];
  const checked: CheckedGallery[] = [];
  for (const { name, set, share } of galleries) {
    const found = await searchPart({ ...set, ...watch }, rows, share);
    // A query that a tenth of the gallery holds nothing for has no right answer, and gets results all the same.
    const pairs = found.flatMap((query) => query.pairs);
    const outcomes = pairs.map(({ same }) => same);
    const scored = (score: (pair: (typeof pairs)[number]) => number): Reliability =>
      reliabilityOf(pairs.map(score), outcomes);
    checked.push({
      name,
      gallery: Math.ceil(set.classes.length * share),
      queries: rows.length,
      precisions: askedPrecisions.map((asked) => reached(found, calibration, asked)),
      reliability: scored((pair) => scorePair(calibration, pair)),
      distanceOnly: scored((pair) => applyFit(calibration.distanceOnly, pair)),
      withDensity: dense && scored((pair) => scorePair(dense, pair)),
      withDensityPrecisions: dense && askedPrecisions.map((asked) => reached(found, dense, asked)),
    });
  }
  return checked;
}
