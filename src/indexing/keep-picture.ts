import { readFile } from 'node:fs/promises';
import { KindredError } from '../core/errors.js';
import { sha256 } from '../core/hashing.js';
import type { BlobStore } from './blobs.js';

/** Where an item's picture lies from now on, given where it lies and its hash. */
export type KeepPicture = (path: string, hash: string) => Promise<string>;

/** Nothing is copied: the index names the file. */
export const referPicture: KeepPicture = (path) => Promise.resolve(path);

/**
 * The index keeps a copy. @throws KindredError image-unreadable when the file is not what was hashed, disk-full, folder-not-writable
 */
export function storePicture(blobs: Pick<BlobStore, 'put'>): KeepPicture {
  return async (path, hash) => {
    const bytes = await readFile(path);
    if (sha256(bytes) !== hash) {
      throw new KindredError('image-unreadable', 'it changed while it was indexed', { hint: 'Index again.' });
    }
    return blobs.put(bytes, hash);
  };
}
