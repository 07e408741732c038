import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isSystemError, KindredError } from '../core/errors.js';
import { imageExtensions, otherImageExtensions } from './image-format.js';
import type { Skipped } from './source.js';

export interface Scan {
  /** Image files by their ending, relative to the folder with '/', in code-unit order. */
  readonly images: readonly string[];
  /** Images of formats that are not decoded, and links that lead nowhere. */
  readonly skipped: readonly Skipped[];
  /** Other files, which are passed over. */
  readonly otherFiles: number;
}

/** @throws KindredError file-not-found, file-unreadable when `path` is not a folder that can be read */
export async function requireFolder(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT') || isSystemError(error, 'ENOTDIR')) return undefined;
    throw new KindredError('file-unreadable', `cannot read ${path}`, { cause: error });
  });
  if (!found) throw new KindredError('file-not-found', `there is no folder ${path}`, { hint: 'Check the path.' });
  if (!found.isDirectory()) {
    throw new KindredError('file-unreadable', `${path} is a file, not a folder`, { hint: 'Name the folder it is in.' });
  }
}

/**
 * Finds the images below a folder. Hidden files and folders are passed over; links are followed, each folder once.
 * @throws KindredError file-not-found, file-unreadable
 */
export async function scanImages(folder: string): Promise<Scan> {
  await requireFolder(folder);
  const images: string[] = [];
  const skipped: Skipped[] = [];
  const visited = new Set<string>();
  let otherFiles = 0;
  const visitFile = (path: string): void => {
    const extension = extname(path).toLowerCase();
    if (imageExtensions.has(extension)) images.push(path);
    else if (otherImageExtensions.has(extension)) skipped.push({ path, reason: `${extension} is not supported` });
    else otherFiles++;
  };
  const visit = async (inside: string): Promise<void> => {
    const absolute = join(folder, inside);
    const real = await realpath(absolute);
    if (visited.has(real)) return;
    visited.add(real);
    const entries = await readdir(absolute, { withFileTypes: true }).catch((error: unknown) => {
      throw new KindredError('file-unreadable', `cannot read the folder ${absolute}`, {
        hint: 'Check its permissions.',
        cause: error,
      });
    });
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
      const kind = entry.isSymbolicLink() ? await stat(join(folder, path)).catch(() => undefined) : entry;
      if (!kind) skipped.push({ path, reason: 'a link that leads nowhere' });
      else if (kind.isDirectory()) await visit(path);
      else if (kind.isFile()) visitFile(path);
    }
  };
  await visit('');
  return { images: images.sort(), skipped, otherFiles };
}

/** The error for a place without images. Says what was looked for. */
export function nothingFound(where: string, lookedFor: string): KindredError {
  return new KindredError('dataset-empty', `no images in ${where}`, { hint: `Looked for ${lookedFor}.` });
}

export const imagesLookedFor = 'JPEG, PNG, WebP, AVIF and GIF files (by their ending) in it and in every folder below';
