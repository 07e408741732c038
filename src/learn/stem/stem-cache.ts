import { cacheFolder } from '../../core/cache-folder.js';
import { sha256 } from '../../core/hashing.js';
import { cacheFormat, type ActivationCacheSetup } from './activation-cache.js';
import { openCacheFile } from './cache-file.js';
import { reasonOf } from './picture-store.js';
import type { SlotStorageHandle } from './slot-storage.js';
import { slotsIn, tableBytes } from './slot-table.js';

/** Where a run may keep what comes before the learning part. Decides speed and space, no numbers. */
export interface StemSpace {
  /** Memory for decoded pictures; those that do not fit go to a file in `folder` that ends with the run. */
  readonly pictureBytes: number;
  /** kindred's cache folder. */
  readonly folder: string;
  /** Where activations are kept, when they are. */
  readonly activations: 'memory' | 'disk';
  /** Bytes they may take: in memory, or on the disk those of all runs together. */
  readonly activationBytes: number;
}

/** 512 MiB hold 14,000 pictures for 96 px, 2,600 for 224 px. */
export const defaultSpace = (): StemSpace => ({
  pictureBytes: 512 * 2 ** 20,
  folder: cacheFolder(),
  activations: 'memory',
  activationBytes: 2 * 2 ** 30,
});

export interface CachedStem {
  /** As ONNX, which says scaling and layout too. */
  readonly onnx: Uint8Array;
  readonly inputSize: number;
  readonly pictures: number;
  /** Training views of each picture (see `viewSeeds`). */
  readonly views: number;
  /** Activations of one picture: the product of the learning part's input shape. */
  readonly values: number;
  readonly warn: (text: string) => void;
}

export interface OpenedCache {
  readonly setup: ActivationCacheSetup;
  readonly close: () => void;
}

/** Room for an entry to find a free slot near its place. */
const slack = 1.25;

/**
 * Opens what the workers share. Where the place cannot be used it warns, and nothing is kept: training goes on with the
 * same numbers.
 */
export function openStemCache(space: StemSpace, stem: CachedStem): OpenedCache {
  const { activationBytes: bytes, folder } = space;
  const { onnx, inputSize, pictures, values, views, warn } = stem;
  const payloadBytes = values * Uint16Array.BYTES_PER_ELEMENT;
  const most = slotsIn(bytes, payloadBytes);
  const wanted = Math.ceil(pictures * (views + 1) * slack);
  const identity = sha256(JSON.stringify([cacheFormat, sha256(onnx), inputSize, values]));
  const stamp = Math.floor(Date.now() / 1000);
  const failed = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  const made = (storage: SlotStorageHandle | null, slots: number, place: string): ActivationCacheSetup => {
    return { storage, slots, place, values, identity, stamp, failed };
  };
  const without = { setup: made(null, 0, ''), close: () => undefined };
  if (most === 0) {
    warn(`the cache may not take what one picture needs (${payloadBytes} bytes): nothing is cached`);
    return without;
  }
  try {
    if (space.activations === 'memory') {
      const slots = Math.min(most, wanted);
      const storage = { kind: 'memory', bytes: new SharedArrayBuffer(tableBytes(slots, payloadBytes)) } as const;
      return { setup: made(storage, slots, 'memory'), close: () => undefined };
    }
    const ownBytes = Math.min(bytes, tableBytes(wanted, payloadBytes));
    const name = identity.slice(0, 32);
    const { descriptor, path, close } = openCacheFile({ folder, name, slots: most, limitBytes: bytes, ownBytes });
    return { setup: made({ kind: 'file', descriptor }, most, path), close };
  } catch (error) {
    warn(`${reasonOf(error, folder)}: training goes on, but nothing is cached`);
    return without;
  }
}
