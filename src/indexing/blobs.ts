import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { isSystemError, writeError } from '../core/errors.js';
import { exists, listFolder, syncFile, writeFileAtomic } from '../core/files.js';
import { sha256 } from '../core/hashing.js';

/** The folder of an index in which it keeps pictures by their hashes, for all of its versions. */
export const blobsFolder = 'blobs';

/** Encoded pictures by content, beside the versions of an index: one file a picture, however many items have it. */
export interface BlobStore {
  /**
   * Keeps the bytes; file, name and folder are on the disk when it resolves. Keeping what is kept costs a look and a sync.
   * @returns the absolute path
   * @throws KindredError disk-full, folder-not-writable
   */
  put(bytes: Uint8Array, hash: string): Promise<string>;
  /** Deletes what none of `used` names. Returns how many. Writes must not be under way. */
  sweep(used: ReadonlySet<string>): Promise<number>;
}

/** @param root the index folder, absolute */
export function createBlobStore(root: string): BlobStore {
  const folder = join(root, blobsFolder);
  const pathOf = (hash: string): string => join(folder, hash.slice(0, 2), hash);
  /** Folders whose own names are known to be on the disk. */
  const made = new Set<string>();
  /** By hash: whoever brings the same picture meanwhile waits for the same file, which may have its name but not be synced yet. */
  const underWay = new Map<string, Promise<string>>();

  const makeFolder = async (path: string): Promise<void> => {
    if (made.has(path)) return;
    try {
      await mkdir(path, { recursive: true });
      for (const parent of [folder, root]) await syncFile(parent);
    } catch (error) {
      throw writeError(error, path);
    }
    made.add(path);
  };

  /** A file of that name may have been damaged since: then it is written again. */
  const isWhole = async (path: string, bytes: Uint8Array, hash: string): Promise<boolean> => {
    try {
      if ((await stat(path)).size !== bytes.length) return false;
      return sha256(await readFile(path)) === hash;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return false;
      throw error;
    }
  };

  const keep = async (bytes: Uint8Array, hash: string): Promise<string> => {
    const path = pathOf(hash);
    const shard = dirname(path);
    await makeFolder(shard);
    try {
      if (await isWhole(path, bytes, hash)) {
        // A process that died before it synced may have left it: being read back says nothing of the disk.
        for (const written of [path, shard]) await syncFile(written);
      } else await writeFileAtomic(path, bytes);
    } catch (error) {
      throw writeError(error, path);
    }
    return path;
  };

  return {
    put(bytes, hash) {
      const running = underWay.get(hash);
      if (running) return running;
      const kept = keep(bytes, hash).finally(() => underWay.delete(hash));
      underWay.set(hash, kept);
      return kept;
    },
    async sweep(used) {
      if (!(await exists(folder))) return 0;
      let deleted = 0;
      for (const shard of await listFolder(folder)) {
        for (const name of await listFolder(join(folder, shard))) {
          const path = join(folder, shard, name);
          if (used.has(path)) continue;
          await rm(path, { force: true });
          deleted++;
        }
      }
      return deleted;
    },
  };
}

/** How a stored picture's path is kept in the database: relative to the index folder, which may be moved. */
export function toStoredPath(root: string, path: string | null): string | null {
  return path?.startsWith(join(root, blobsFolder) + sep) ? path.slice(root.length + 1).replaceAll(sep, '/') : path;
}

/** The other way round. */
export function fromStoredPath(root: string, path: string | null): string | null {
  return path?.startsWith(`${blobsFolder}/`) ? join(root, ...path.split('/')) : path;
}
