import { mean } from '../statistics.js';
import type { CurvePoint, SummarizedRun } from './types.js';

/** Training and unseen classes along the way, means over the seeds that were measured at that step. */
function averaged(unordered: readonly SummarizedRun[]): CurvePoint[] {
  const runs = [...unordered].sort((a, b) => a.seed - b.seed);
  const steps = [...new Set(runs.flatMap(({ curve = [] }) => curve.map(({ step }) => step ?? NaN)))];
  return steps
    .sort((a, b) => a - b)
    .map((step) => {
      const there = runs.flatMap(({ curve = [] }) => curve.filter((scores) => scores['step'] === step));
      const average = (name: string): number => mean(there.map((scores) => scores[name] ?? NaN));
      return {
        step,
        n: there.length,
        unseen: average('recall@1'),
        train: average('train.recall@1'),
        trainSpreadToGap: average('train.spread-to-gap'),
      };
    });
}

/** One curve an arm, in the order of the arms' first runs; arms that were not measured along the way have none. */
export function curvesOf(runs: readonly SummarizedRun[]): { readonly arm: string; readonly points: CurvePoint[] }[] {
  const arms = [...new Set(runs.map(({ arm }) => arm))];
  return arms
    .map((arm) => ({ arm, points: averaged(runs.filter((run) => run.arm === arm)) }))
    .filter(({ points }) => points.length > 0);
}
