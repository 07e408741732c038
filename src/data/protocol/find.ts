import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../core/cache-folder.js';
import { KindredError } from '../../core/errors.js';
import { unpackArchive } from '../archive/unpack.js';
import { type Download, downloadFile } from '../download.js';
import type { GatherRequest } from '../source.js';

/** Where a data set's files are, and what messages call it: what is unpacked lies in a folder that has no lasting name yet. */
export interface Place {
  /** Absolute. */
  readonly root: string;
  /** The folder or archive, as the user knows it. */
  readonly where: string;
}

/** What lies at a path, links followed. */
export async function kindOf(path: string): Promise<'folder' | 'file' | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return undefined;
  return found.isDirectory() ? 'folder' : 'file';
}

/** The first of the names that is there, as an absolute path. */
export async function findFirst(
  folders: readonly string[],
  names: readonly string[],
  kind: 'folder' | 'file',
): Promise<string | undefined> {
  for (const folder of folders) {
    for (const name of names) {
      if ((await kindOf(join(folder, name))) === kind) return join(folder, name);
    }
  }
  return undefined;
}

/** The error for a place that does not hold the data set. */
export function notFoundIn(from: string, lookedFor: string, fetchFrom: string): KindredError {
  return new KindredError('source-missing', `${from} does not hold ${lookedFor}`, { hint: fetchFrom, field: '--from' });
}

/**
 * The path that the user gave.
 * @throws KindredError source-missing saying where to get the data set, file-not-found
 */
export async function requireFrom(
  { from }: GatherRequest,
  fetchFrom: string,
): Promise<{ from: string; kind: 'folder' | 'file' }> {
  if (from === undefined) {
    throw new KindredError('source-missing', '--from is missing: this data set cannot be downloaded from here', {
      hint: fetchFrom,
      field: '--from',
    });
  }
  const kind = await kindOf(from);
  if (kind) return { from, kind };
  throw new KindredError('file-not-found', `there is nothing at ${from}`, { hint: 'Check the path.', field: '--from' });
}

/**
 * Archives that the publisher serves, downloaded into the cache (once) so that they need not be fetched again.
 * @returns the folder that holds them
 */
export async function downloadArchives(
  name: string,
  files: Readonly<Record<string, Download>>,
  request: GatherRequest,
): Promise<string> {
  const folder = join(cacheFolder(), 'datasets', name);
  for (const [file, download] of Object.entries(files)) {
    await downloadFile(download, join(folder, file), { progress: request.progress, signal: request.signal });
  }
  return folder;
}

/** Files that some archivers leave beside the real ones. */
export const isLitter = (name: string): boolean => /(^|\/)(\._[^/]*|\.DS_Store|__MACOSX|Thumbs\.db)(\/|$)/.test(name);

/**
 * Unpacks into the data set's own images/ folder.
 * @param outermost folder in the archive that is taken away from the names; what lies outside it stays packed
 * @param keep which files are taken, by their name without the outermost folder
 */
export async function unpackImages(
  archive: string,
  request: GatherRequest,
  outermost: string,
  keep: (name: string) => boolean,
): Promise<Place> {
  const root = join(request.folder, 'images');
  const { progress, signal } = request;
  const place = (name: string): string | undefined => {
    if (isLitter(name) || !name.startsWith(outermost)) return undefined;
    const inside = name.slice(outermost.length);
    return keep(inside) ? inside : undefined;
  };
  await unpackArchive(archive, root, { place, progress, signal });
  return { root, where: archive };
}
