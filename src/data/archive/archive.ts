import { KindredError } from '../../core/errors.js';
import type { ReportProgress } from '../../core/progress.js';

/** What an archive may hold at most: a bomb is stopped before it fills the disk. */
export interface ArchiveLimits {
  readonly files: number;
  /** Unpacked bytes of one file. */
  readonly fileBytes: number;
  /** Unpacked bytes of all files that are taken. */
  readonly totalBytes: number;
}

/** Several times what the largest published data set needs (Stanford Online Products: 120,053 files, 3 GB). */
export const usualLimits: ArchiveLimits = { files: 1_000_000, fileBytes: 2 ** 30, totalBytes: 2 ** 36 };

export interface UnpackOptions {
  /** Where a file goes, relative to the target folder with '/'; undefined: it is left in the archive. */
  readonly place: (name: string) => string | undefined;
  readonly limits?: ArchiveLimits;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

/** The error for an archive that cannot be used. */
export function damaged(archive: string, what: string, cause?: unknown): KindredError {
  return new KindredError('archive-damaged', `${archive}: ${what}`, {
    hint: 'Fetch the archive again and compare its size and checksum with the published ones.',
    field: '--from',
    cause,
  });
}

export function notThere(archive: string, cause: unknown): KindredError {
  return new KindredError('file-not-found', `there is no file ${archive}`, { hint: 'Check the path.', cause });
}

/** Why a name in an archive must not be written: it would land outside the target, or means something else elsewhere. */
export function nameProblem(name: string): string | undefined {
  if (name === '' || /\p{Cc}/u.test(name)) return 'has an empty name or control characters in it';
  if (name.startsWith('/') || /^[a-z]:/i.test(name) || name.includes('\\')) return 'is no relative path';
  return name.split('/').includes('..') ? 'leads out of the folder' : undefined;
}

export interface Gate {
  /**
   * Where to write an entry, relative to the target; undefined when it is not wanted. Called for every file, in order.
   * @throws KindredError archive-damaged for a name that leads elsewhere or is there twice, and past the limits; interrupted
   */
  admit(name: string, bytes: number): string | undefined;
}

/** What zip and tar have in common: names, limits, duplicates, progress. */
export function createGate(archive: string, options: UnpackOptions, total: number | undefined): Gate {
  const { place, limits = usualLimits, progress, signal } = options;
  const written = new Set<string>();
  let seen = 0;
  let bytesLeft = limits.totalBytes;
  return {
    admit(name, bytes) {
      if (signal.aborted) throw new KindredError('interrupted', 'stopped; nothing was written');
      if (++seen > limits.files) throw damaged(archive, `holds more than ${limits.files} files`);
      progress({ stage: 'unpacking', done: seen, unit: 'files', ...(total === undefined ? {} : { total }) });
      const problem = nameProblem(name);
      if (problem !== undefined) throw damaged(archive, `the entry ${JSON.stringify(name)} ${problem}`);
      const inside = place(name);
      if (inside === undefined) return undefined;
      if (bytes > limits.fileBytes) throw damaged(archive, `${name} is ${bytes} bytes, over ${limits.fileBytes}`);
      bytesLeft -= bytes;
      if (bytesLeft < 0) throw damaged(archive, `holds more than ${limits.totalBytes} bytes`);
      if (written.has(inside)) throw damaged(archive, `${name} is in it twice`);
      written.add(inside);
      return inside;
    },
  };
}
