import type { Embedder } from '../core/embedder.js';
import { silent, type ReportProgress } from '../core/progress.js';
import type { Dataset } from '../data/dataset.js';
import { keptHashes } from '../data/image-hashes.js';
import { auditProtocol } from './audit/protocol.js';
import type { EmbeddedItems } from './embed-items.js';
import { defaultKs, evaluateModel, type EvaluatedSplit, type Evaluation } from './evaluate.js';
import { buildReport, type EvaluationReport } from './report.js';
import { clusteringFor, type MetricFamily } from './metric-names.js';
import { checkZeroShot, type TrainingRecord } from './zero-shot.js';

/** Opened only when it is its turn, so that two pools of workers never share the cores. */
export type OpenEmbedder = () => Promise<Embedder>;

export interface RunEvaluationOptions {
  readonly dataset: Dataset;
  readonly split: EvaluatedSplit;
  readonly ks?: readonly number[];
  /** What to report. Default: Recall@K, R-precision, MAP@R and MRR, and those of a clustering when the set is small. */
  readonly metrics?: readonly MetricFamily[] | undefined;
  /** Metadata field to break the results down by. Default: `category`, where an image has it. */
  readonly by?: string | undefined;
  /** Of the exact search. */
  readonly threads?: number | undefined;
  /** Absent: only the untrained backbone is measured. */
  readonly model?: { readonly open: OpenEmbedder; readonly training: TrainingRecord | undefined };
  readonly openUntrained: OpenEmbedder;
  /** Measure a model on classes it was trained on, too; the report says so. */
  readonly allowSeen?: boolean;
  readonly progress?: ReportProgress;
  readonly signal?: AbortSignal;
}

/**
 * Evaluates a model beside its untrained backbone on one split. Whether the classes were seen in training is checked
 * before anything is embedded.
 * @throws KindredError model-mismatch for seen classes, and what `evaluateModel` throws
 */
export async function runEvaluation(options: RunEvaluationOptions): Promise<EvaluationReport> {
  const { dataset, split, ks = defaultKs, model, openUntrained, allowSeen = false } = options;
  const { metrics, by, threads } = options;
  const clustering = clusteringFor(metrics);
  const { progress = silent, signal = new AbortController().signal } = options;
  const zeroShot = model && checkZeroShot({ training: model.training, dataset, split, allowSeen });
  const hashes = await keptHashes(
    dataset,
    dataset.items.map(({ path }) => path),
    signal,
  );
  // Those of the untrained backbone: a trained model packs its classes, so that near embeddings are no news.
  const embedded: (EmbeddedItems & { readonly dimension: number })[] = [];
  const evaluate = async (
    open: OpenEmbedder,
    name: string,
    onEmbedded?: (rows: EmbeddedItems & { readonly dimension: number }) => void,
  ): Promise<Evaluation> => {
    const embedder = await open();
    try {
      return await evaluateModel({ dataset, split, embedder, ks, clustering, by, threads, name, onEmbedded, progress, signal }); // prettier-ignore
    } finally {
      await embedder.close();
    }
  };
  // The backbone first: it may be missing from this machine, which is better known before the longer wait.
  const untrained = await evaluate(openUntrained, 'untrained', (rows) => embedded.push(rows));
  const training = model && (model.training ?? null);
  const protocol = await auditProtocol({ dataset, hashes, embedded: embedded.pop(), training, evaluated: split });
  const trained = model && (await evaluate(model.open, 'model'));
  return buildReport({
    dataset,
    split,
    ks,
    families: metrics,
    untrained,
    protocol,
    ...(trained && zeroShot && { model: { evaluation: trained, zeroShot } }),
  });
}
