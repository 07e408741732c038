import { join } from 'node:path';
import type { Embedder } from '../core/embedder.js';
import type { ErrorCode } from '../core/errors.js';
import { KindredError } from '../core/errors.js';
import type { ReportProgress } from '../core/progress.js';
import type { DatasetItem } from '../data/dataset.js';

export interface SkippedImage {
  /** Relative to the data set's root. */
  readonly path: string;
  readonly code: ErrorCode;
  readonly reason: string;
}

export interface EmbeddedItems {
  /** The items that could be read, in the order given. */
  readonly items: readonly DatasetItem[];
  /** `items.length` unit-length rows of `embedder.dimension`. */
  readonly embeddings: Float32Array;
  readonly skipped: readonly SkippedImage[];
}

export interface EmbedItemsOptions {
  readonly root: string;
  readonly items: readonly DatasetItem[];
  readonly embedder: Embedder;
  readonly stage: string;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

/** The picture's fault, so that the others can go on; anything else (a dead worker, a bug) ends the evaluation. */
const imageFaults: readonly ErrorCode[] = [
  'image-unsupported',
  'image-unreadable',
  'image-too-large',
  'image-missing',
  'file-not-found',
  'file-unreadable',
];

/** @throws KindredError interrupted */
export function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted)
    throw new KindredError('interrupted', 'stopped before the evaluation was done; nothing was written');
}

/**
 * Embeds items in batches; unreadable pictures are skipped and listed.
 * @throws KindredError interrupted, and whatever is not the fault of one picture
 */
export async function embedItems(options: EmbedItemsOptions): Promise<EmbeddedItems> {
  const { root, items, embedder, stage, progress, signal } = options;
  const kept: DatasetItem[] = [];
  const skipped: SkippedImage[] = [];
  const rows = new Float32Array(items.length * embedder.dimension);
  progress({ stage, done: 0, total: items.length });
  for (let first = 0; first < items.length; first += embedder.preferredBatch) {
    stopIfAborted(signal);
    const batch = items.slice(first, first + embedder.preferredBatch);
    const outcomes = await embedder.embed(batch.map(({ path }) => ({ image: { path: join(root, path) } })));
    batch.forEach((item, index) => {
      const outcome = outcomes[index];
      if (outcome?.ok) {
        rows.set(outcome.embedding, kept.length * embedder.dimension);
        kept.push(item);
        return;
      }
      const error = outcome?.error ?? new KindredError('internal', `no embedding came back for ${item.path}`);
      if (!imageFaults.includes(error.code)) throw error;
      skipped.push({ path: item.path, code: error.code, reason: error.message });
    });
    progress({ stage, done: Math.min(items.length, first + batch.length), total: items.length });
  }
  return { items: kept, embeddings: rows.subarray(0, kept.length * embedder.dimension), skipped };
}
