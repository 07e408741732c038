/** One sign of life of a long job. `total` is absent where it is not known. */
export interface ProgressEvent {
  /** What is being done, as shown to the user: 'indexing', 'training', … */
  readonly stage: string;
  readonly done: number;
  readonly total?: number;
  /** What is counted: 'images' (the default), 'steps', … */
  readonly unit?: string;
  /** A short addition, e.g. 'loss 0.31'. */
  readonly note?: string;
}

/** Receives progress; the command line draws it, tests collect it. Called often: do little. */
export type ReportProgress = (event: ProgressEvent) => void;

export const silent: ReportProgress = () => undefined;
