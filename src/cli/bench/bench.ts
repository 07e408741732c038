import type { ReportProgress } from '../../core/progress.js';
import type { Bundle } from '../../model/bundle.js';
import type { OpenEmbedder } from '../commands/index.js';

/** What the training bench is made of. */
export const trainingParts = ['partial', 'whole', 'accumulate', 'own'] as const;
export type TrainingPart = (typeof trainingParts)[number];

/** How a bench that trains does so. */
export interface TrainingSetup {
  /** undefined: generated weights in MobileNetV1's shape. */
  readonly backbone?: string | undefined;
  readonly backboneFrom?: string | undefined;
  readonly inputSize: number;
  readonly classesPerBatch: number;
  readonly imagesPerClass: number;
  /** Steps of one measurement. */
  readonly steps: number;
  /** Absent: all. */
  readonly only?: readonly TrainingPart[] | undefined;
}

/** What every bench works with: the same pictures, the same number of threads. */
export interface SharedContext {
  /** Pictures to embed or to train on, absolute paths. */
  readonly images: readonly string[];
  readonly threads: number;
  /** Measurements of each side, after one that is thrown away. */
  readonly runs: number;
  /** An empty folder of the bench's own, deleted afterwards. */
  readonly folder: string;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

export interface BenchContext extends SharedContext {
  readonly model: Bundle;
  readonly openEmbedder: OpenEmbedder;
}

export interface TrainingContext extends SharedContext {
  readonly training: TrainingSetup;
}

/** What a figure must reach, and what it should. */
export interface Goal {
  readonly is: 'at least' | 'at most';
  readonly must: number;
  readonly aim?: number;
}

export interface BenchResult {
  readonly name: string;
  readonly runs: number;
  /** Median over the runs of ours / theirs, each pair measured next to each other. */
  readonly ratio?: number;
  /** For what is no ratio. */
  readonly value?: number;
  readonly unit?: string;
  readonly goal?: Goal;
  /** One line for people: the absolute numbers behind it, which are context only. */
  readonly note: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What could not be measured here, and why. */
export interface Skipped {
  readonly name: string;
  readonly skipped: string;
}

/** Side-by-side measurements of a model; `run` throws a KindredError when this machine can make none of them. */
export interface Bench {
  readonly summary: string;
  readonly trains?: false;
  readonly plain?: false;
  run(context: BenchContext): Promise<readonly BenchResult[]>;
}

/** One that trains a network instead of using a model. */
export interface TrainingBench {
  readonly summary: string;
  readonly trains: true;
  readonly plain?: false;
  /** Rows that could not be measured say why, and the rest are. */
  run(context: TrainingContext): Promise<readonly (BenchResult | Skipped)[]>;
}

/** One that needs neither a model nor pictures. */
export interface PlainBench {
  readonly summary: string;
  readonly trains?: false;
  readonly plain: true;
  /** Rows that could not be measured say why, and the rest are. */
  run(context: SharedContext): Promise<readonly (BenchResult | Skipped)[]>;
}

export type AnyBench = Bench | TrainingBench | PlainBench;
