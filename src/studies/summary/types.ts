import type { PairedComparison } from '../statistics.js';

/** What a summary reads of a run; a record of `kindred ablate` has it all. */
export interface SummarizedRun {
  readonly study: string;
  /** Tuning runs never saw the test classes: they are counted, and in no table. */
  readonly phase: 'tuning' | 'final';
  /** A data set with a loss: what arms are compared within. */
  readonly cell: string;
  readonly arm: string;
  readonly role: 'arm' | 'baseline' | 'control';
  /** Runs of one cell with the same seed share class split, initialisation, batches and crops: a pair. */
  readonly seed: number;
  /** On test classes at the last step: recall@1, map@r, train.recall@1, spread-to-gap, … */
  readonly metrics: Readonly<Record<string, number>>;
  /** On test classes at the step that validation classes chose. */
  readonly selected: Readonly<Record<string, number>> | null;
  /** The same numbers with their `step` along the way, where the study asked for them. */
  readonly curve?: readonly Readonly<Record<string, number>>[] | undefined;
  /** Why the run ended early, where it did: it is listed, and in no mean. */
  readonly failed?: string | undefined;
}

/** Where a run was measured: at its last step, or at the step that its validation classes chose. */
export type Checkpoint = 'final' | 'selected';
export const comparedMeasures = ['recall@1', 'map@r'] as const;
export type ComparedMeasure = (typeof comparedMeasures)[number];

export interface Spread {
  readonly n: number;
  readonly mean: number;
  /** Of the sample; NaN for one run. */
  readonly standardDeviation: number;
}

/** The difference of one arm to another over the seeds that both have. */
export interface ArmDifference extends PairedComparison {
  /** The other arm. */
  readonly to: string;
  /** p by Holm's correction over all arms of the study at this checkpoint in this measure; NaN for controls. */
  readonly holmP: number;
}

export interface ArmSummary {
  readonly arm: string;
  readonly role: SummarizedRun['role'];
  readonly seeds: readonly number[];
  /** Every number that all of the arm's runs have, by checkpoint and name. */
  readonly spread: Readonly<Record<Checkpoint, Readonly<Record<string, Spread>>>>;
  /** arm − baseline. Null for the baseline, and where nothing is paired with it. */
  readonly toBaseline: Readonly<Record<Checkpoint, Readonly<Record<ComparedMeasure, ArmDifference | null>>>>;
  /** arm − the best of its cell's controls and baseline by mean of that measure; null for all but arms, and without controls. */
  readonly toBestControl: Readonly<Record<Checkpoint, Readonly<Record<ComparedMeasure, ArmDifference | null>>>>;
}

/** A moment of training: R@1 of unseen and of training classes, and how concentrated the training classes are. */
export interface CurvePoint {
  readonly step: number;
  /** Seeds that were measured at this step. */
  readonly n: number;
  readonly unseen: number;
  readonly train: number;
  /** Spread of a training class over its distance to the nearest others: small where classes are dense. */
  readonly trainSpreadToGap: number;
}

export interface CellSummary {
  readonly cell: string;
  readonly arms: readonly ArmSummary[];
  readonly curves: readonly { readonly arm: string; readonly points: readonly CurvePoint[] }[];
}

export interface StudySummary {
  readonly study: string;
  /** Final runs in the tables. */
  readonly runs: number;
  readonly tuningRuns: number;
  readonly failures: readonly Pick<SummarizedRun, 'cell' | 'arm' | 'seed' | 'failed'>[];
  /** In the order of their first runs, and so are their arms. No mean is taken over cells. */
  readonly cells: readonly CellSummary[];
}

/** Whether a gain is more than every control gives: the interval of the difference to the best one lies above 0. */
export function isBeyond(difference: ArmDifference | null): boolean {
  return difference !== null && difference.interval[0] > 0;
}
