import { version } from '../core/version.js';
import type { Dataset } from '../data/dataset.js';
import { bootstrapDifference, bootstrapMeasure, type Interval } from '../metrics/bootstrap.js';
import type { DensitySummary } from '../metrics/density.js';
import type { RetrievalMetrics } from '../metrics/retrieval.js';
import type { ProtocolVerdict } from './audit/protocol.js';
import type { Clustering } from './cluster.js';
import type { SkippedImage } from './embed-items.js';
import type { EvaluatedSplit, Evaluation } from './evaluate.js';
import { isClusterMeasure, reportedMeasures, type MetricFamily } from './metric-names.js';
import type { ZeroShot } from './zero-shot.js';

/** By measure name, 0 … 1 (AMI may be a little below): recall@1, …, r-precision, map@r, mrr, nmi, ami, f1. */
export type Scores = Readonly<Record<string, number>>;
export type Intervals = Readonly<Record<string, Interval>>;

export type ClusteringNote = Omit<Clustering, 'values'>;

/** What `kindred eval --json` writes. */
export interface EvaluationReport {
  /** Absent when only the untrained backbone was measured. */
  readonly model?: Scores;
  readonly untrained: Scores;
  /** model − untrained */
  readonly difference?: Scores;
  /**
   * 95 % bootstrap intervals over classes; that of the difference draws the same classes for both. None for nmi, ami and
   * f1: a class that is drawn twice cannot be clustered twice.
   */
  readonly intervals: { readonly model?: Intervals; readonly untrained: Intervals; readonly difference?: Intervals };
  readonly queries: number;
  /** Classes with at least one query. */
  readonly classes: number;
  readonly split: EvaluatedSplit;
  /** The model's; the untrained backbone's when there is no model. */
  readonly fingerprint: string;
  /** Images searched. */
  readonly images: number;
  /** Images that are no queries, because nothing else in the split (or nothing in the gallery) has their class. */
  readonly leftOut: number;
  /** The classes of those that have no query at all. */
  readonly classesLeftOut: readonly string[];
  /** Where the data set says who searches where: pictures of each side. */
  readonly roles?: { readonly queries: number; readonly gallery: number };
  readonly skipped: readonly SkippedImage[];
  readonly zeroShot?: ZeroShot;
  /** Whether anything that was measured was seen before; always there in what `kindred eval` writes. */
  readonly protocol?: ProtocolVerdict;
  readonly density: { readonly model?: DensitySummary | null; readonly untrained: DensitySummary | null };
  readonly perClass: readonly {
    readonly class: string;
    readonly queries: number;
    readonly model?: Scores;
    readonly untrained?: Scores;
  }[];
  /** Results by a metadata field of the query, such as `category`. */
  readonly perGroup?: {
    readonly field: string;
    readonly groups: readonly {
      readonly value: string;
      readonly queries: number;
      readonly classes: number;
      readonly model?: Scores;
      readonly untrained?: Scores;
      readonly intervals: { readonly model?: Intervals; readonly untrained?: Intervals };
    }[];
  };
  /** Share of queries that found their class by rank 1, 2, … 50; when asked for. */
  readonly cmc?: { readonly model?: readonly number[]; readonly untrained: readonly number[] };
  /** How the clusterings were made. */
  readonly clustering?: { readonly model?: ClusteringNote; readonly untrained?: ClusteringNote };
  readonly dataset: { readonly name: string; readonly splitHash: string };
  readonly dimension: number;
  readonly kindred: string;
}

export interface ReportOptions {
  readonly dataset: Dataset;
  readonly split: EvaluatedSplit;
  readonly ks: readonly number[];
  /** What to show. Default: Recall@K, R-precision, MAP@R and MRR, and what clusterings there are. */
  readonly families?: readonly MetricFamily[] | undefined;
  readonly model?: { readonly evaluation: Evaluation; readonly zeroShot: ZeroShot };
  readonly untrained: Evaluation;
  readonly protocol?: ProtocolVerdict | undefined;
  /** Of the bootstrap. */
  readonly seed?: number;
}

type Table<T> = Readonly<Record<string, T>>;

function tableOf<T>(names: readonly string[], value: (name: string) => T): Table<T> {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}

/** The breakdown by a metadata field, groups in the order of the evaluation. */
function groupsOf(main: Evaluation, { model, untrained, seed = 0 }: ReportOptions, names: readonly string[]) {
  const { byField } = main;
  if (!byField) return undefined;
  const before = untrained.byField?.groups;
  const scores = ({ values }: RetrievalMetrics): Scores => tableOf(names, (name) => values[name] ?? NaN);
  const intervals = ({ perClass }: RetrievalMetrics): Intervals =>
    tableOf(names, (name) => bootstrapMeasure(perClass, name, { seed }));
  const counted = [...byField.groups].filter(([, { queries }]) => queries > 0);
  return {
    field: byField.field,
    groups: counted.map(([value, metrics]) => {
      const base = before?.get(value);
      return {
        value,
        queries: metrics.queries,
        classes: metrics.classes,
        ...(model && { model: scores(metrics) }),
        ...(base && { untrained: scores(base) }),
        intervals: { ...(model && { model: intervals(metrics) }), ...(base && { untrained: intervals(base) }) },
      };
    }),
  };
}

function noteOf({ clustering }: Evaluation): ClusteringNote | undefined {
  if (!clustering) return undefined;
  const { k, seed, rounds, converged } = clustering;
  return { k, seed, rounds, converged };
}

/** Puts one or two evaluations of the same split side by side. */
export function buildReport(options: ReportOptions): EvaluationReport {
  const { dataset, split, ks, families, model, untrained, seed = 0 } = options;
  const main = model?.evaluation ?? untrained;
  const clustered = main.clustering !== undefined && untrained.clustering !== undefined;
  const names = reportedMeasures(ks, families, clustered);
  const retrieval = names.filter((name) => !isClusterMeasure(name));
  const scoresOf = ({ metrics, clustering }: Evaluation): Scores =>
    tableOf(names, (name) => metrics.values[name] ?? clustering?.values[name] ?? NaN);
  const pick = (values: Scores): Scores => tableOf(retrieval, (name) => values[name] ?? NaN);
  const intervalsOf = ({ metrics }: Evaluation): Intervals =>
    tableOf(retrieval, (name) => bootstrapMeasure(metrics.perClass, name, { seed }));
  const base = untrained.metrics;
  const baseScores = scoresOf(untrained);
  const baseByLabel = new Map(base.perClass.map((entry) => [entry.label, entry]));
  const scores = model && scoresOf(model.evaluation);
  const difference = scores && tableOf(names, (name) => (scores[name] ?? NaN) - (baseScores[name] ?? NaN));
  const intervals = model && {
    model: intervalsOf(model.evaluation),
    difference: tableOf(retrieval, (name) =>
      bootstrapDifference(model.evaluation.metrics.perClass, base.perClass, name, { seed }),
    ),
  };
  const perGroup = groupsOf(main, options, retrieval);
  const counted = new Set(main.metrics.perClass.map(({ label }) => label));
  const [modelNote, untrainedNote] = [model && noteOf(model.evaluation), noteOf(untrained)];
  return {
    ...(scores && { model: scores }),
    untrained: baseScores,
    ...(difference && { difference }),
    queries: main.metrics.queries,
    classes: main.metrics.classes,
    split,
    fingerprint: main.fingerprint,
    intervals: { ...intervals, untrained: intervalsOf(untrained) },
    images: main.images,
    leftOut: main.metrics.leftOut,
    classesLeftOut: main.classNames.filter((_, label) => !counted.has(label)),
    ...(main.roles && { roles: main.roles }),
    skipped: main.skipped,
    ...(model && { zeroShot: model.zeroShot }),
    ...(options.protocol && { protocol: options.protocol }),
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
    ...(perGroup && { perGroup }),
    ...(families?.includes('cmc') === true && {
      cmc: { ...(model && { model: model.evaluation.metrics.cmc }), untrained: base.cmc },
    }),
    ...(clustered && {
      clustering: { ...(modelNote && { model: modelNote }), ...(untrainedNote && { untrained: untrainedNote }) },
    }),
    dataset: { name: dataset.name, splitHash: dataset.splitHash },
    dimension: main.dimension,
    kindred: version,
  };
}
