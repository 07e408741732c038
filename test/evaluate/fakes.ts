import type { Embedder, EmbedOutcome } from '../../src/core/embedder.js';
import { KindredError, type ErrorCode } from '../../src/core/errors.js';
import { l2Normalize } from '../../src/core/vectors.js';
import type { Dataset, DatasetItem, SplitName } from '../../src/data/dataset.js';

export function item(path: string, label: string | null, split: SplitName): DatasetItem {
  return { id: path, path, label, split, metadata: {} };
}

export function dataset(items: readonly DatasetItem[], changes: Partial<Dataset> = {}): Dataset {
  return {
    folder: '/set',
    name: 'shop',
    root: '/pictures',
    items,
    split: { method: 'given', seed: 0 },
    splitHash: 'a'.repeat(64),
    ...changes,
  };
}

export interface FakeEmbedder extends Embedder {
  /** Absolute paths asked for, in order, and how many at a time. */
  readonly paths: string[];
  readonly batches: number[];
}

/** Embeds by looking the picture up; a code instead of a vector is a failure, and so is a picture it does not know. */
export function fakeEmbedder(
  pictures: Readonly<Record<string, readonly number[] | ErrorCode>>,
  { dimension = 2, preferredBatch = 3, fingerprint = 'fake' } = {},
): FakeEmbedder {
  const paths: string[] = [];
  const batches: number[] = [];
  const outcome = (path: string): EmbedOutcome => {
    const found = pictures[path.replace('/pictures/', '')] ?? 'image-missing';
    if (typeof found === 'string') return { ok: false, error: new KindredError(found, `cannot use ${path}`) };
    const embedding = l2Normalize(Float32Array.from(found));
    return { ok: true, embedding, width: 1, height: 1, contentHash: '' };
  };
  return {
    dimension,
    preferredBatch,
    fingerprint,
    paths,
    batches,
    embed: async (requests) => {
      const asked = requests.map(({ image }) => ('path' in image ? image.path : ''));
      paths.push(...asked);
      batches.push(asked.length);
      return Promise.resolve(asked.map(outcome));
    },
    close: async () => Promise.resolve(),
  };
}

/** A picture at this many degrees on the unit circle. */
export function at(degrees: number): number[] {
  return [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
}
