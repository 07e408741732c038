import type { Embedder } from '../core/embedder.js';
import { silent, type ReportProgress } from '../core/progress.js';
import type { Dataset } from '../data/dataset.js';
import { defaultKs, evaluateModel, type EvaluatedSplit } from '../evaluate/evaluate.js';
import { checkZeroShot, type TrainingRecord, type ZeroShot } from '../evaluate/zero-shot.js';
import { measuresAt } from '../metrics/measures.js';
import { buildComparison } from './compare-report.js';
import type { ComparisonReport, MeasuredModel } from './compare-types.js';

/** One of two models. */
export interface ComparedModel {
  /** As the user called it. */
  readonly name: string;
  /** Opened only when it is its turn, so that two pools of workers never share the cores. */
  readonly open: () => Promise<Embedder>;
  /** 'untrained': kindred trained nothing of it. Undefined: not known, as of an imported model. */
  readonly training: TrainingRecord | 'untrained' | undefined;
}

export interface CompareOptions {
  readonly dataset: Dataset;
  readonly split: EvaluatedSplit;
  readonly ks?: readonly number[] | undefined;
  readonly by?: string | undefined;
  readonly threads?: number | undefined;
  readonly a: ComparedModel;
  readonly b: ComparedModel;
  readonly progress?: ReportProgress;
  readonly signal?: AbortSignal;
}

function zeroShotOf({ training }: ComparedModel, dataset: Dataset, split: EvaluatedSplit): ZeroShot {
  if (training !== 'untrained') return checkZeroShot({ training, dataset, split, allowSeen: true });
  return { verified: true, reason: 'kindred trained nothing of it', seenClasses: [] };
}

/**
 * Measures two models on the same queries. Whether their training saw the classes is said, not refused: comparing is no
 * claim about new classes, and the report carries it.
 * @throws KindredError as `evaluateModel` does
 */
export async function compareModels(options: CompareOptions): Promise<ComparisonReport> {
  const { dataset, split, ks = defaultKs, by, threads, progress = silent } = options;
  const signal = options.signal ?? new AbortController().signal;
  const measures = measuresAt(ks);
  const measure = async (model: ComparedModel): Promise<MeasuredModel> => {
    const zeroShot = zeroShotOf(model, dataset, split);
    const perQuery = new Map<string, Float64Array>();
    const embedder = await model.open();
    try {
      const { name } = model;
      const evaluation = await evaluateModel({
        dataset,
        split,
        embedder,
        ks,
        by,
        threads,
        name,
        progress,
        signal,
        onQuery: ({ id }, ranks) => {
          if (ranks.length > 0)
            perQuery.set(
              id,
              Float64Array.from(measures, ({ of }) => of(ranks)),
            );
        },
      });
      return { name, evaluation, zeroShot, perQuery };
    } finally {
      await embedder.close();
    }
  };
  const a = await measure(options.a);
  const b = await measure(options.b);
  return buildComparison({ dataset, split, ks, a, b });
}
