import {
  closeSync,
  constants,
  futimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** One file of cached activations. */
interface CacheFile {
  readonly path: string;
  /** On the disk: the files have holes. */
  readonly bytes: number;
  /** Last use, ms. */
  readonly used: number;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Only what kindred itself lays out: FOLDER/activations/HASH/SLOTS.slots. */
function cacheFiles(folder: string): CacheFile[] {
  const all = join(folder, 'activations');
  const paths = namesIn(all)
    .filter((name) => /^[0-9a-f]{32}$/.test(name))
    .flatMap((name) => namesIn(join(all, name)).map((file) => join(all, name, file)));
  return paths
    .filter((path) => /\d+\.slots$/.test(path))
    .flatMap((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found?.isFile() ? [{ path, bytes: found.blocks * 512, used: found.mtimeMs }] : [];
    });
}

/** Deletes the least recently used files but `keep` until the others take at most `bytes`. */
function trim(folder: string, keep: string, bytes: number): void {
  const others = cacheFiles(folder)
    .filter(({ path }) => path !== keep)
    .sort((a, b) => a.used - b.used);
  let total = others.reduce((sum, file) => sum + file.bytes, 0);
  for (const file of others) {
    if (total <= bytes) return;
    try {
      unlinkSync(file.path); // a run that has it open goes on with it
      rmdirSync(dirname(file.path)); // fails while there is another file
    } catch {
      // Another process was faster, or the folder is still in use.
    }
    total -= file.bytes;
  }
}

export interface CacheFileOptions {
  /** kindred's cache folder. */
  readonly folder: string;
  /** 32 hexadecimal digits: which stem, input size … */
  readonly name: string;
  readonly slots: number;
  /** What all files together may take. */
  readonly limitBytes: number;
  /** What this run's file may grow to, at most `limitBytes`. */
  readonly ownBytes: number;
}

/**
 * Opens the file of a stem's activations for reading and writing, after making room for what it may grow to.
 * @throws system errors (EACCES, ENOSPC, EISDIR …)
 */
export function openCacheFile(options: CacheFileOptions): { descriptor: number; path: string; close: () => void } {
  const { folder, name, slots, limitBytes, ownBytes } = options;
  const path = join(folder, 'activations', name, `${slots}.slots`);
  mkdirSync(dirname(path), { recursive: true });
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
  futimesSync(descriptor, new Date(), new Date());
  const present = statSync(path).blocks * 512;
  trim(folder, path, limitBytes - Math.max(present, ownBytes));
  return { descriptor, path, close: () => closeSync(descriptor) };
}
