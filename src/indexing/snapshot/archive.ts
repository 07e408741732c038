import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { create, extract } from 'tar';
import { isSystemError, KindredError, writeError } from '../../core/errors.js';
import { exists, syncFile } from '../../core/files.js';
import type { WorkOptions } from '../vectors.js';
import { createSnapshot } from './create.js';
import { fileName, type Manifest, manifestFile, snapshotDamaged } from './manifest.js';

/** A snapshot's name ends in .tar when it is to be one file. */
export function isArchiveName(path: string): boolean {
  return path.endsWith('.tar');
}

/**
 * Writes a snapshot as one tar file. Beside it there must be room for the snapshot twice, for a while.
 * @throws KindredError as createSnapshot does
 */
export async function createArchive(index: string, file: string, work: WorkOptions): Promise<Manifest> {
  const path = resolve(file);
  if (await exists(path)) {
    throw new KindredError('output-exists', `${file} is there already`, { hint: 'Choose a new name with --out.' });
  }
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(dirname(path), `.${basename(path)}-`));
    const content = join(folder, 'snapshot');
    const packed = join(folder, 'packed');
    const manifest = await createSnapshot(index, content, work);
    await create({ file: packed, cwd: content, portable: true }, [manifestFile, ...Object.keys(manifest.files)]);
    await syncFile(packed);
    if (work.signal.aborted) throw new KindredError('interrupted', 'stopped; no snapshot was written');
    await rename(packed, path);
    await syncFile(dirname(path));
    return manifest;
  } catch (error) {
    throw writeError(error, file);
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function unpack(file: string, folder: string): Promise<void> {
  try {
    await extract({
      file,
      cwd: folder,
      strict: true,
      preserveOwner: false,
      // Files alone, and by the names that a snapshot has: no links, and nothing outside of the folder.
      filter: (path, entry) =>
        'type' in entry && entry.type === 'File' && (path === manifestFile || fileName.safeParse(path).success),
    });
  } catch (error) {
    const ours = writeError(error, folder);
    if (ours instanceof KindredError) throw ours;
    throw snapshotDamaged(file, `cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

/**
 * Hands over a snapshot as a folder, unpacked for as long as `use` takes where it is a file.
 * @param beside where there is room for it
 * @throws KindredError file-not-found, snapshot-damaged, disk-full, and what `use` throws
 */
export async function withSnapshotFolder<T>(
  path: string,
  beside: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const found = await stat(path).catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT') && !isSystemError(error, 'ENOTDIR')) throw error;
    throw new KindredError('file-not-found', `there is no snapshot ${path}`, {
      hint: 'Name what kindred snapshot create wrote.',
      cause: error,
    });
  });
  if (found.isDirectory()) return use(path);
  const parent = dirname(resolve(beside));
  const folder = await mkdtemp(join(parent, `.${basename(path)}-`)).catch((error: unknown) => {
    throw writeError(error, parent);
  });
  try {
    await unpack(path, folder);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
