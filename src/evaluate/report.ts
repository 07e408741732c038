import { version } from '../core/version.js';
import type { Dataset } from '../data/dataset.js';
import { bootstrapDifference, bootstrapMeasure, type Interval } from '../metrics/bootstrap.js';
import type { DensitySummary } from '../metrics/density.js';
import type { SkippedImage } from './embed-items.js';
import type { EvaluatedSplit, Evaluation } from './evaluate.js';
import type { ZeroShot } from './zero-shot.js';

/** By measure name, 0 … 1: recall@1, recall@2, …, r-precision, map@r, mrr. */
export type Scores = Readonly<Record<string, number>>;
export type Intervals = Readonly<Record<string, Interval>>;

/** What `kindred eval --json` writes. */
export interface EvaluationReport {
  /** Absent when only the untrained backbone was measured. */
  readonly model?: Scores;
  readonly untrained: Scores;
  /** model − untrained */
  readonly difference?: Scores;
  /** 95 % bootstrap intervals over classes; that of the difference draws the same classes for both. */
  readonly intervals: { readonly model?: Intervals; readonly untrained: Intervals; readonly difference?: Intervals };
  readonly queries: number;
  /** Classes with at least one query. */
  readonly classes: number;
  readonly split: EvaluatedSplit;
  /** The model's; the untrained backbone's when there is no model. */
  readonly fingerprint: string;
  /** Images searched. */
  readonly images: number;
  /** Images that are no queries, because nothing else in the split has their class. */
  readonly leftOut: number;
  readonly skipped: readonly SkippedImage[];
  readonly zeroShot?: ZeroShot;
  readonly density: { readonly model?: DensitySummary | null; readonly untrained: DensitySummary | null };
  readonly perClass: readonly {
    readonly class: string;
    readonly queries: number;
    readonly model?: Scores;
    readonly untrained?: Scores;
  }[];
  readonly dataset: { readonly name: string; readonly splitHash: string };
  readonly dimension: number;
  readonly kindred: string;
}

export interface ReportOptions {
  readonly dataset: Dataset;
  readonly split: EvaluatedSplit;
  readonly ks: readonly number[];
  readonly model?: { readonly evaluation: Evaluation; readonly zeroShot: ZeroShot };
  readonly untrained: Evaluation;
  /** Of the bootstrap. */
  readonly seed?: number;
}

/** The measures that a report shows, in its order. */
export function reportedMeasures(ks: readonly number[]): string[] {
  return [...ks.map((k) => `recall@${k}`), 'r-precision', 'map@r', 'mrr'];
}

/** Puts one or two evaluations of the same split side by side. */
export function buildReport({ dataset, split, ks, model, untrained, seed = 0 }: ReportOptions): EvaluationReport {
  const names = reportedMeasures(ks);
  const table = <T>(value: (name: string) => T): Readonly<Record<string, T>> =>
    Object.fromEntries(names.map((name) => [name, value(name)]));
  const pick = (values: Scores): Scores => table((name) => values[name] ?? NaN);
  const intervalsOf = ({ metrics }: Evaluation): Intervals =>
    table((name) => bootstrapMeasure(metrics.perClass, name, { seed }));
  const main = model?.evaluation ?? untrained;
  const base = untrained.metrics;
  const baseByLabel = new Map(base.perClass.map((entry) => [entry.label, entry]));
  const ofModel = model && {
    model: pick(model.evaluation.metrics.values),
    difference: table((name) => (model.evaluation.metrics.values[name] ?? NaN) - (base.values[name] ?? NaN)),
    intervals: {
      model: intervalsOf(model.evaluation),
      difference: table((name) =>
        bootstrapDifference(model.evaluation.metrics.perClass, base.perClass, name, { seed }),
      ),
    },
  };
  return {
    ...(ofModel && { model: ofModel.model }),
    untrained: pick(base.values),
    ...(ofModel && { difference: ofModel.difference }),
    queries: main.metrics.queries,
    classes: main.metrics.classes,
    split,
    fingerprint: main.fingerprint,
    intervals: { ...ofModel?.intervals, untrained: intervalsOf(untrained) },
    images: main.images,
    leftOut: main.metrics.leftOut,
    skipped: main.skipped,
    ...(model && { zeroShot: model.zeroShot }),
    density: { ...(model && { model: model.evaluation.density }), untrained: untrained.density },
    perClass: main.metrics.perClass.map(({ label, queries, values }) => {
      const before = baseByLabel.get(label);
      return {
        class: main.classNames[label] ?? '',
        queries,
        ...(model && { model: pick(values) }),
        ...(before && { untrained: pick(before.values) }),
      };
    }),
    dataset: { name: dataset.name, splitHash: dataset.splitHash },
    dimension: main.dimension,
    kindred: version,
  };
}
