import type { ReportProgress } from '../core/progress.js';
import type { Credit } from './dataset-schema.js';
import type { UnsplitItem } from './split.js';

/**
 * The contract of a data set source: it finds (or makes) the pictures and says what they are. Checking images,
 * splitting and writing are the same for all sources and done by prepare.ts.
 */
export interface DatasetSource {
  /** What the help says of it. */
  readonly summary: string;
  /** What --from takes, or undefined when the source takes none. */
  readonly from?: { readonly what: string; readonly required: boolean };
  /** Items say which half of the published split they are in, which is the default or what `--split official` asks for. */
  readonly official?: 'default' | 'on-request';
  /** The source knows what the published data set holds and accepts nothing else, but with `--allow-incomplete`. */
  readonly published?: boolean;
  /**
   * @throws KindredError source-missing, file-not-found, file-unreadable, dataset-empty, dataset-invalid, interrupted
   */
  gather(request: GatherRequest): Promise<Gathered>;
}

export interface GatherRequest {
  /** Absolute path from --from, where the user gave one. */
  readonly from: string | undefined;
  /** Absolute path from --root: what a CSV's paths are relative to. */
  readonly root: string | undefined;
  /** Take what there is of a published data set, and say in `deviations` what is missing. */
  readonly allowIncomplete?: boolean | undefined;
  /** An empty folder that becomes the data set's: images that the source makes go into images/ in it. */
  readonly folder: string;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

/** A file that is left out, and why. */
export interface Skipped {
  readonly path: string;
  readonly reason: string;
}

export interface Gathered {
  readonly name: string;
  /** Absolute folder that item paths are relative to. */
  readonly root: string;
  /** What messages call the root, where it was unpacked and has no lasting name yet. */
  readonly where?: string;
  /** At least one. Whether the images can be decoded is not known yet. */
  readonly items: readonly UnsplitItem[];
  readonly skipped: readonly Skipped[];
  /** The source made the images itself, so there is no need to check that they can be decoded. */
  readonly verified?: boolean;
  /** How the pictures differ from the published data set, one sentence each. */
  readonly deviations?: readonly string[];
  readonly licence?: string;
  readonly citation?: string;
  readonly credits?: readonly Credit[];
}
