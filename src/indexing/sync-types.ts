import type { Embedder } from '../core/embedder.js';
import type { ErrorCode } from '../core/errors.js';
import type { Metadata } from '../core/metadata.js';
import type { ReportProgress } from '../core/progress.js';
import type { Catalogue } from './catalogue.js';
import type { KeepPicture } from './keep-picture.js';

/** A picture to be indexed. */
export interface SourceItem {
  readonly id: string;
  readonly label: string | null;
  readonly metadata: Metadata;
  /** Absolute path of the picture. */
  readonly path: string;
}

export interface SkippedItem {
  readonly id: string;
  readonly path: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface SyncOptions {
  readonly catalogue: Catalogue;
  readonly source: readonly SourceItem[] | AsyncIterable<SourceItem>;
  readonly embedder: Embedder;
  /** Default: the index names the files where they lie. */
  readonly keep?: KeepPicture;
  /** Delete what the source no longer has. */
  readonly prune?: boolean;
  /** Stop at the first picture that cannot be read. */
  readonly strict?: boolean;
  readonly progress?: ReportProgress;
  readonly signal?: AbortSignal;
}

export interface SyncSummary {
  readonly added: number;
  /** The picture had changed. */
  readonly replaced: number;
  readonly unchanged: number;
  /** The picture was the same, its label, metadata or path were not. */
  readonly metadataChanged: number;
  /** In the catalogue, not in the source. Pictures that are there but cannot be read are not among them. */
  readonly vanished: readonly string[];
  readonly pruned: number;
  readonly skipped: readonly SkippedItem[];
}
