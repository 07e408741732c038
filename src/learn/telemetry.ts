import * as tf from '@tensorflow/tfjs-core';
import { KindredError } from '../core/errors.js';
import { quantile } from '../metrics/bootstrap.js';
import type { Distribution } from '../metrics/density.js';
import { densityStatistics } from './density.js';
import { unitRows } from './distances/unit-rows.js';
import type { BatchLayout } from './losses/batch-layout.js';

/** One batch as the log shows it. */
export interface BatchStatistics {
  readonly loss: number;
  readonly penalty: number | null;
  /** Mean weight of the density gate; null without one. */
  readonly attraction: number | null;
  /** Spread v of each class of the batch. */
  readonly spread: readonly number[];
  readonly gap: readonly number[];
  /** Number of each of these classes (its place in the bundle's `trainClasses`). */
  readonly classes?: readonly number[];
}

/** Density of single classes, as means over the batches of an epoch, to three digits; by place in `trainClasses`. */
export interface ClassTrack {
  readonly classes: readonly number[];
  /** v of each */
  readonly spread: readonly number[];
  /** v / D of each */
  readonly ratio: readonly number[];
}

/** What `history.jsonl` keeps of the batches of an epoch. */
export interface EpochStatistics {
  readonly loss: number;
  readonly penalty: number | null;
  readonly attraction: number | null;
  /** −log v over the classes of the batches. */
  readonly logDensity: Distribution;
  /** Median of v / D: how wide a class is against the distance to its neighbours. */
  readonly spreadToGap: number;
  /** v / D over the classes of the batches: how unlike the classes are. */
  readonly ratio: Distribution;
  /** Those classes that were in a batch; of more than 200 classes, every n-th. */
  readonly byClass?: ClassTrack;
}

/** Classes whose density is followed singly: more would make the history of a run larger than its model. */
const mostTracked = 200;

const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function averageOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : average(known);
}

/** Spread and gap of the classes of a batch from its raw embeddings. */
export function batchDensity(raw: Float32Array, layout: BatchLayout): { spread: number[]; gap: number[] } {
  return tf.tidy(() => {
    const unit = unitRows(tf.tensor2d(raw, [layout.size, raw.length / layout.size]));
    const { spread, gap } = densityStatistics(unit, layout);
    return { spread: [...spread.dataSync()], gap: [...gap.dataSync()] };
  });
}

const threeDigits = (value: number): number => Number(value.toPrecision(3));

function trackClasses(batches: readonly BatchStatistics[], classCount: number): ClassTrack {
  const every = Math.ceil(classCount / mostTracked);
  const sums = new Map<number, { batches: number; spread: number; ratio: number }>();
  for (const { classes = [], spread, gap } of batches) {
    classes.forEach((number, i) => {
      if (number % every !== 0) return;
      const sum = sums.get(number) ?? { batches: 0, spread: 0, ratio: 0 };
      sums.set(number, sum);
      const v = spread[i] ?? 0;
      sum.batches++;
      sum.spread += v;
      sum.ratio += v / ((gap[i] ?? 0) + 1e-6);
    });
  }
  const sorted = [...sums].sort(([a], [b]) => a - b);
  return {
    classes: sorted.map(([number]) => number),
    spread: sorted.map(([, sum]) => threeDigits(sum.spread / sum.batches)),
    ratio: sorted.map(([, sum]) => threeDigits(sum.ratio / sum.batches)),
  };
}

/** @param classCount classes trained on: with it, single classes are followed */
export function summarizeEpoch(batches: readonly BatchStatistics[], classCount?: number): EpochStatistics {
  const spreads = batches.flatMap(({ spread }) => spread);
  const gaps = batches.flatMap(({ gap }) => gap);
  const densities = Float64Array.from(spreads, (value) => -Math.log(value + 1e-6)).sort();
  const ratios = Float64Array.from(spreads, (value, i) => value / ((gaps[i] ?? 0) + 1e-6)).sort();
  return {
    loss: average(batches.map(({ loss }) => loss)),
    penalty: averageOrNull(batches.map(({ penalty }) => penalty)),
    attraction: averageOrNull(batches.map(({ attraction }) => attraction)),
    logDensity: { p10: quantile(densities, 0.1), median: quantile(densities, 0.5), p90: quantile(densities, 0.9) },
    spreadToGap: quantile(ratios, 0.5),
    ratio: { p10: quantile(ratios, 0.1), median: quantile(ratios, 0.5), p90: quantile(ratios, 0.9) },
    ...(classCount !== undefined && { byClass: trackClasses(batches, classCount) }),
  };
}

/** @throws KindredError training-collapsed when a batch's embeddings are one point, or the loss is no number */
export function checkCollapse(
  batch: BatchStatistics,
  step: number,
  advice = 'Use a lower --learning-rate, or another --loss.',
): void {
  if (!Number.isFinite(batch.loss)) {
    throw new KindredError('training-collapsed', `the loss is no number any more at step ${step}`, { hint: advice });
  }
  if (Math.max(...batch.spread, ...batch.gap) < 1e-5) {
    throw new KindredError('training-collapsed', `all embeddings have shrunk to one point by step ${step}`, {
      hint: advice,
    });
  }
}
