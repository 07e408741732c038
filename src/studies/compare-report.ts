import { version } from '../core/version.js';
import type { Dataset } from '../data/dataset.js';
import type { EvaluatedSplit, Evaluation } from '../evaluate/evaluate.js';
import { bootstrapDifference, bootstrapMean } from '../metrics/bootstrap.js';
import { measuresAt } from '../metrics/measures.js';
import type { ClassMetrics, RetrievalMetrics } from '../metrics/retrieval.js';
import type { ComparisonReport, GroupDifference, MeasuredModel, ModelSummary, Tally } from './compare-types.js';
import { notesOn, verdictOf } from './compare-verdict.js';

function tally(pairs: Iterable<readonly [a: number, b: number]>): Tally {
  const counts = { a: 0, b: 0, same: 0 };
  for (const [a, b] of pairs) counts[Math.abs(a - b) < 1e-12 ? 'same' : a > b ? 'a' : 'b']++;
  return counts;
}

function pairClasses(a: RetrievalMetrics, b: RetrievalMetrics): (readonly [ClassMetrics, ClassMetrics])[] {
  const other = new Map(b.perClass.map((entry) => [entry.label, entry]));
  return a.perClass.flatMap((entry) => {
    const pair = other.get(entry.label);
    return pair ? [[entry, pair] as const] : [];
  });
}

function groupsOf(a: Evaluation, b: Evaluation, names: readonly string[]): ComparisonReport['perGroup'] {
  if (!a.byField || !b.byField) return undefined;
  const groups = [...a.byField.groups].flatMap(([value, mine]): GroupDifference[] => {
    const theirs = b.byField?.groups.get(value);
    if (!theirs || mine.queries === 0) return [];
    const difference = names.map((name) => {
      const byClass = bootstrapDifference(mine.perClass, theirs.perClass, name);
      return [name, { value: (mine.values[name] ?? NaN) - (theirs.values[name] ?? NaN), byClass }] as const;
    });
    return [
      {
        value,
        queries: mine.queries,
        classes: mine.classes,
        a: mine.values,
        b: theirs.values,
        difference: Object.fromEntries(difference),
      },
    ];
  });
  return { field: a.byField.field, groups };
}

/** Puts two measurements of the same split side by side, paired by query and by class. */
export function buildComparison(options: {
  readonly dataset: Dataset;
  readonly split: EvaluatedSplit;
  readonly ks: readonly number[];
  readonly a: MeasuredModel;
  readonly b: MeasuredModel;
}): ComparisonReport {
  const { dataset, split, ks, a, b } = options;
  const names = measuresAt(ks).map(({ name }) => name);
  const [mine, theirs] = [a.evaluation.metrics, b.evaluation.metrics];
  const classes = pairClasses(mine, theirs);
  const queries = [...a.perQuery].flatMap(([id, values]) => {
    const other = b.perQuery.get(id);
    return other ? [[values, other] as const] : [];
  });
  const table = <T>(value: (name: string, index: number) => T): Readonly<Record<string, T>> =>
    Object.fromEntries(names.map((name, index) => [name, value(name, index)]));
  const valuesAt = (index: number) => queries.map(([x, y]) => [x[index] ?? NaN, y[index] ?? NaN] as const);
  const difference = table((name, index) => ({
    value: (mine.values[name] ?? NaN) - (theirs.values[name] ?? NaN),
    byClass: bootstrapDifference(mine.perClass, theirs.perClass, name),
    byQuery: bootstrapMean(valuesAt(index).map(([x, y]) => ({ count: 1, mean: x - y }))),
  }));
  const summary = ({ name, evaluation, zeroShot }: MeasuredModel): ModelSummary => {
    const { fingerprint, dimension, metrics, density } = evaluation;
    return { name, fingerprint, dimension, scores: metrics.values, zeroShot, density };
  };
  const perGroup = groupsOf(a.evaluation, b.evaluation, names);
  return {
    a: summary(a),
    b: summary(b),
    dataset: { name: dataset.name, splitHash: dataset.splitHash },
    split,
    queries: queries.length,
    classes: classes.length,
    images: a.evaluation.images,
    leftOut: mine.leftOut,
    skipped: a.evaluation.skipped.length,
    difference,
    queryWins: table((_, index) => tally(valuesAt(index))),
    classWins: table((name) => tally(classes.map(([x, y]) => [x.values[name] ?? NaN, y.values[name] ?? NaN]))),
    perClass: classes.map(([x, y]) => ({
      class: a.evaluation.classNames[x.label] ?? '',
      queries: x.queries,
      a: x.values,
      b: y.values,
    })),
    ...(perGroup && { perGroup }),
    notes: notesOn(a, b),
    verdict: verdictOf(difference, classes.length, { a: a.name, b: b.name }),
    kindred: version,
  };
}
