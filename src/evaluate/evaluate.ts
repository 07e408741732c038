import { setImmediate } from 'node:timers/promises';
import type { Embedder } from '../core/embedder.js';
import { KindredError } from '../core/errors.js';
import { silent, type ReportProgress } from '../core/progress.js';
import { itemsByLabel, type Dataset, type SplitName } from '../data/dataset.js';
import { classDensities, summarizeDensity, type DensitySummary } from '../metrics/density.js';
import { relevantRanks } from '../metrics/ranks.js';
import { accumulateRetrieval, checkKs, type RetrievalMetrics, type RetrievalOptions } from '../metrics/retrieval.js';
import { embedItems, stopIfAborted, type SkippedImage } from './embed-items.js';

/** A split that has metrics: 'none' holds what no metric may see. */
export type EvaluatedSplit = Exclude<SplitName, 'none'>;

/** The K of Recall@K in every report. */
export const defaultKs: readonly number[] = [1, 2, 4, 8];

export interface EvaluateOptions {
  readonly dataset: Dataset;
  readonly split: EvaluatedSplit;
  readonly embedder: Embedder;
  readonly ks?: readonly number[];
  /** Shown with the progress: 'model', 'untrained'. */
  readonly name?: string;
  readonly progress?: ReportProgress;
  readonly signal?: AbortSignal;
}

export interface Evaluation {
  readonly fingerprint: string;
  readonly dimension: number;
  /** The classes of the split in code-unit order; a label in the metrics is an index into it. */
  readonly classNames: readonly string[];
  /** Pictures embedded: every one is searched, whether or not it is a query. */
  readonly images: number;
  readonly skipped: readonly SkippedImage[];
  readonly metrics: RetrievalMetrics;
  /** Null where fewer than two classes have two images. */
  readonly density: DensitySummary | null;
}

const queriesPerTurn = 64;

/** Like `retrievalMetrics`, but lets the event loop breathe, so that Ctrl-C and progress work on large sets. */
async function measure(
  options: RetrievalOptions,
  stage: string,
  progress: ReportProgress,
  signal: AbortSignal,
): Promise<RetrievalMetrics> {
  checkKs(options);
  const total = options.labels.length;
  const accumulator = accumulateRetrieval(options.ks);
  for (const query of relevantRanks(options)) {
    accumulator.add(query);
    if ((query.query + 1) % queriesPerTurn !== 0 && query.query + 1 !== total) continue;
    progress({ stage, done: query.query + 1, total, unit: 'queries' });
    await setImmediate();
    stopIfAborted(signal);
  }
  return accumulator.finish();
}

/**
 * Embeds every image of the split's classes and lets each search among all others of the split. Unreadable images are
 * skipped and listed; images left alone in their class are searched but are no queries.
 * @throws KindredError dataset-empty when the split has no images that can be read or nothing to find among them;
 * dataset-too-small when a K exceeds the images; interrupted
 */
export async function evaluateModel(options: EvaluateOptions): Promise<Evaluation> {
  const { dataset, split, embedder, ks = defaultKs, name = 'model', progress = silent } = options;
  const signal = options.signal ?? new AbortController().signal;
  const groups = itemsByLabel(dataset.items.filter((item) => item.split === split));
  const items = [...groups.values()].flat();
  if (items.length === 0) {
    throw new KindredError('dataset-empty', `${dataset.folder} has no images in split "${split}"`, {
      hint: 'Choose another --split, or prepare the data set again with more classes.',
      field: 'split',
    });
  }
  const embedded = await embedItems({
    root: dataset.root,
    items,
    embedder,
    stage: `embedding (${name})`,
    progress,
    signal,
  });
  const classNames = [...groups.keys()];
  const numbers = new Map(classNames.map((label, index) => [label, index]));
  const labels = Int32Array.from(embedded.items, ({ label }) => numbers.get(label ?? '') ?? -1);
  const { embeddings, skipped } = embedded;
  if (labels.length === 0) {
    throw new KindredError('dataset-empty', `none of the ${items.length} images in split "${split}" can be read`, {
      hint: `First: ${skipped[0]?.path ?? ''}: ${skipped[0]?.reason ?? ''}. See kindred data check ${dataset.folder}`,
    });
  }
  const { dimension, fingerprint } = embedder;
  const metrics = await measure({ embeddings, labels, dimension, ks }, `ranking (${name})`, progress, signal);
  if (metrics.queries === 0) {
    throw new KindredError('dataset-empty', `no class in split "${split}" has two images: there is nothing to find`, {
      hint: 'Evaluation needs classes with at least two readable images.',
    });
  }
  const density = summarizeDensity(classDensities(embeddings, labels, dimension));
  return { fingerprint, dimension, classNames, images: labels.length, skipped, metrics, density };
}
