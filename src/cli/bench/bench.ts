import type { ReportProgress } from '../../core/progress.js';
import type { Bundle } from '../../model/bundle.js';
import type { OpenEmbedder } from '../commands/index.js';

/** What every bench works with: the same pictures, the same model, the same number of threads. */
export interface BenchContext {
  /** Pictures to embed, absolute paths. */
  readonly images: readonly string[];
  readonly model: Bundle;
  readonly openEmbedder: OpenEmbedder;
  readonly threads: number;
  /** Measurements of each side, after one that is thrown away. */
  readonly runs: number;
  /** An empty folder of the bench's own, deleted afterwards. */
  readonly folder: string;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

export interface BenchResult {
  readonly name: string;
  readonly runs: number;
  /** Median over the runs of ours / theirs, each pair measured next to each other. */
  readonly ratio?: number;
  /** For what is no ratio. */
  readonly value?: number;
  readonly unit?: string;
  /** One line for people: the absolute numbers behind it, which are context only. */
  readonly note: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** One side-by-side measurement; it throws a KindredError when this machine cannot run it. */
export interface Bench {
  readonly summary: string;
  run(context: BenchContext): Promise<readonly BenchResult[]>;
}
