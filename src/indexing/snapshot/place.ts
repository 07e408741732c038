import { constants } from 'node:fs';
import { copyFile, link, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSystemError } from '../../core/errors.js';
import { sha256File } from '../../core/hashing.js';
import { syncFile } from '../../core/files.js';

export interface FileFacts {
  readonly sha256: string;
  readonly bytes: number;
}

export async function factsOf(path: string): Promise<FileFacts> {
  return { sha256: await sha256File(path), bytes: (await stat(path)).size };
}

/** Copies a file that may be written to later; on the disk when it resolves. */
export async function placeCopy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await syncFile(to);
}

/** Gives a file that never changes a second name, or copies it where the file system cannot do that. */
export async function placeLink(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await link(from, to);
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return;
    const unlinkable = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];
    if (!unlinkable.some((code) => isSystemError(error, code))) throw error;
    await placeCopy(from, to);
  }
}
