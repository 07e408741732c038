import type { EvaluatedSplit, Evaluation } from '../evaluate/evaluate.js';
import type { Scores } from '../evaluate/report.js';
import type { ZeroShot } from '../evaluate/zero-shot.js';
import type { Interval } from '../metrics/bootstrap.js';
import type { DensitySummary } from '../metrics/density.js';

/** A model's measurements of one split. */
export interface MeasuredModel {
  readonly name: string;
  readonly evaluation: Evaluation;
  readonly zeroShot: ZeroShot;
  /** Item id → the value of every measure, in the order of `measuresAt(ks)`; queries that are left out are not there. */
  readonly perQuery: ReadonlyMap<string, Float64Array>;
}

/** a − b of one measure, with 95 % bootstrap intervals. */
export interface MeasureDifference {
  readonly value: number;
  /** Whole classes drawn: what other classes would have said. */
  readonly byClass: Interval;
  /** Single queries drawn: what other pictures of these classes would have said. */
  readonly byQuery: Interval;
}

/** How often each side had the higher value. */
export interface Tally {
  readonly a: number;
  readonly b: number;
  readonly same: number;
}

export interface ModelSummary {
  readonly name: string;
  readonly fingerprint: string;
  readonly dimension: number;
  readonly scores: Scores;
  readonly zeroShot: ZeroShot;
  readonly density: DensitySummary | null;
}

export interface GroupDifference {
  readonly value: string;
  readonly queries: number;
  readonly classes: number;
  readonly a: Scores;
  readonly b: Scores;
  readonly difference: Readonly<Record<string, { readonly value: number; readonly byClass: Interval }>>;
}

/** What `kindred compare --json` prints. All differences are a − b. */
export interface ComparisonReport {
  readonly a: ModelSummary;
  readonly b: ModelSummary;
  readonly dataset: { readonly name: string; readonly splitHash: string };
  readonly split: EvaluatedSplit;
  readonly queries: number;
  readonly classes: number;
  readonly images: number;
  readonly leftOut: number;
  /** Pictures that could not be read. */
  readonly skipped: number;
  readonly difference: Readonly<Record<string, MeasureDifference>>;
  readonly queryWins: Readonly<Record<string, Tally>>;
  readonly classWins: Readonly<Record<string, Tally>>;
  /** In the order of the class names. */
  readonly perClass: readonly {
    readonly class: string;
    readonly queries: number;
    readonly a: Scores;
    readonly b: Scores;
  }[];
  readonly perGroup?: { readonly field: string; readonly groups: readonly GroupDifference[] };
  /** What to bear in mind: classes that a model was trained on, another split, the same model twice. */
  readonly notes: readonly string[];
  /** One sentence, from the intervals over classes of R@1 and MAP@R. */
  readonly verdict: string;
  readonly kindred: string;
}
