import * as tf from '@tensorflow/tfjs-core';
import { KindredError } from '../core/errors.js';
import { quantile } from '../metrics/bootstrap.js';
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
}

/** What `history.jsonl` keeps of the batches of an epoch. */
export interface EpochStatistics {
  readonly loss: number;
  readonly penalty: number | null;
  readonly attraction: number | null;
  /** −log v over the classes of the batches. */
  readonly logDensity: { readonly p10: number; readonly median: number; readonly p90: number };
  /** Median of v / D: how wide a class is against the distance to its neighbours. */
  readonly spreadToGap: number;
}

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

export function summarizeEpoch(batches: readonly BatchStatistics[]): EpochStatistics {
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
  };
}

/** @throws KindredError training-collapsed when a batch's embeddings are one point, or the loss is no number */
export function checkCollapse(batch: BatchStatistics, step: number): void {
  const advice = 'Use a lower --learning-rate, a --positive-weight below 1 or --regularizer gate, or another loss.';
  if (!Number.isFinite(batch.loss)) {
    throw new KindredError('training-collapsed', `the loss is no number any more at step ${step}`, { hint: advice });
  }
  if (Math.max(...batch.spread, ...batch.gap) < 1e-5) {
    throw new KindredError('training-collapsed', `all embeddings have shrunk to one point by step ${step}`, {
      hint: advice,
    });
  }
}
