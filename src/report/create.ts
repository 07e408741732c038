import { join } from 'node:path';
import type { ReportProgress } from '../core/progress.js';
import type { Dataset } from '../data/dataset.js';
import type { EvaluatedSplit } from '../evaluate/evaluate.js';
import { runEvaluation, type OpenEmbedder } from '../evaluate/run.js';
import { trainingRecordOf } from '../evaluate/zero-shot.js';
import type { Bundle } from '../model/bundle.js';
import type { Calibration } from '../model/calibration.js';
import type { Measured, ReportData } from './data.js';
import { readHistory, readSettings } from './history.js';
import { embedTrained, measureForReport, recordedSplit, recording, type Recording } from './measure.js';

export interface CreateReportOptions {
  readonly bundle: Bundle;
  /** As the page names the model. */
  readonly model: string;
  readonly calibration: Calibration | null;
  /** The command line that the page shows as its own. */
  readonly command: string;
  /** Absent: the page shows what the bundle holds. */
  readonly data?: {
    /** As the page names it. */
    readonly folder: string;
    readonly dataset: Dataset;
    readonly split: EvaluatedSplit;
    /** Measure classes that were trained on, too; the page says so. */
    readonly allowSeen: boolean;
    readonly open: OpenEmbedder;
    /** The model's backbone before training; absent: an imported encoder, which has none. */
    readonly openUntrained?: OpenEmbedder | undefined;
    readonly threads?: number | undefined;
  };
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

async function measured(options: CreateReportOptions): Promise<Measured | null> {
  const { bundle, data, calibration, progress, signal } = options;
  if (!data) return null;
  const { folder, dataset, split, allowSeen, threads, openUntrained } = data;
  const kept: Recording = new Map();
  const open = recording(data.open, kept);
  const evaluation = await runEvaluation({
    dataset,
    split,
    allowSeen,
    threads,
    progress,
    signal,
    ...(openUntrained && { model: { open, training: trainingRecordOf(bundle) } }),
    openUntrained: openUntrained ?? open,
  });
  const { root } = dataset;
  const unseen = recordedSplit(dataset, split, kept, bundle.dimension, ({ path }) => join(root, path));
  const embedder = await data.open();
  const trained = await embedTrained(dataset, bundle.dataset?.trainClasses ?? [], embedder, {
    progress,
    signal,
  }).finally(() => embedder.close());
  return measureForReport({ folder, root, evaluation, unseen, trained, calibration, progress, signal });
}

/**
 * Collects all that a report shows; `renderPage` makes a page of it and `reportJson` numbers.
 * @throws KindredError bundle-invalid, interrupted, and what `runEvaluation` throws
 */
export async function createReport(options: CreateReportOptions): Promise<ReportData> {
  const { bundle, model, calibration, command } = options;
  const [history, settings] = [await readHistory(bundle), await readSettings(bundle)];
  return { bundle, model, history, settings, calibration, measured: await measured(options), command };
}
