import { createHash } from 'node:crypto';
import { KindredError } from '../../core/errors.js';
import { decodeImage } from '../../data/decode.js';
import { readImageBytes } from '../../data/image-source.js';
import type { KeptPicture, PictureStore } from './picture-store.js';

export interface PictureReaderOptions {
  readonly paths: readonly string[];
  /** px; the size at which decoded pictures are kept. */
  readonly cacheSize: number;
  readonly store: PictureStore;
}

/** A worker's way to pictures. Every method throws what `decodeImage` throws, naming the path. */
export interface PictureReader {
  /** A picture at the size it is kept at, decoded once in a run where there is room to keep it. */
  picture(index: number): Promise<KeptPicture>;
  /** Decoded afresh, for another size. */
  decode(index: number, size: number): Promise<KeptPicture>;
  /** SHA-256 of the file's content, as it was when this worker first met it. */
  hash(index: number): Promise<Uint8Array>;
}

export function createPictureReader({ paths, cacheSize, store }: PictureReaderOptions): PictureReader {
  const hashes = new Map<number, Uint8Array>();

  const read = async (index: number): Promise<{ path: string; bytes: Uint8Array; hash: Uint8Array }> => {
    const path = paths[index];
    if (path === undefined) throw new KindredError('internal', `there is no picture ${index}`);
    const bytes = await readImageBytes({ path });
    const hash = createHash('sha256').update(bytes).digest();
    hashes.set(index, hash);
    return { path, bytes, hash };
  };

  /** The pixels and the hash come from the same bytes, whatever happens to the file meanwhile. */
  const decode = async (index: number, size: number): Promise<KeptPicture> => {
    const { path, bytes, hash } = await read(index);
    return { pixels: (await decodeImage({ bytes, path }, { size })).data, hash };
  };

  return {
    decode,
    async picture(index) {
      const kept = store.get(index);
      if (kept) return kept;
      const picture = await decode(index, cacheSize);
      store.put(index, picture);
      return picture;
    },
    hash: async (index) => hashes.get(index) ?? (await read(index)).hash,
  };
}
