import { cp, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { KindredError, writeError } from '../../core/errors.js';
import { exists, listFolder, syncFile, writeFolderAtomic } from '../../core/files.js';
import { openEmbeddedCatalogue } from '../embedded/embedded-catalogue.js';
import { type OpenedIndex, openVersion } from '../index-folder.js';
import { lockIndex } from '../index-lock.js';
import { nextVersion, setCurrent, versionFolder } from './current.js';
import { writeVersionInfo } from './info.js';

export interface CreateIndexOptions {
  /** The model bundle, which is copied into the index. */
  readonly bundleFolder: string;
  readonly fingerprint: string;
  readonly dimension: number;
}

/** @throws KindredError output-exists: something else lives in the folder */
export async function refuseForeignFolder(root: string, folder: string): Promise<void> {
  const ours = /^(versions|blobs|reindex|next\.json|lock\.(db|txt)(-journal)?|\.current\.tmp)$/;
  const foreign = (await listFolder(root)).find((name) => !ours.test(name));
  if (foreign === undefined) return;
  const isIndex = foreign === 'current';
  throw new KindredError('output-exists', `${folder} ${isIndex ? 'is an index already' : 'holds other files'}`, {
    hint: isIndex ? 'Open it instead.' : 'Choose a new or an empty folder with --out.',
  });
}

async function copyBundle(from: string, to: string): Promise<void> {
  await writeFolderAtomic(to, async (temporary) => {
    await cp(from, temporary, { recursive: true, dereference: true });
    for (const name of await listFolder(temporary)) await syncFile(join(temporary, name));
  });
}

/** Fills a version's folder with the model's copy and an empty catalogue; index.json, which makes it count, is not written. */
export async function fillVersion(folder: string, options: CreateIndexOptions): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { bundleFolder, fingerprint, dimension } = options;
  await copyBundle(bundleFolder, join(folder, 'model'));
  const empty = await openEmbeddedCatalogue({ folder, create: { fingerprint, dimension } });
  await empty.close();
}

/**
 * Makes an empty index and opens it for writing. `current` is set last, when the model's copy and the empty catalogue are
 * there; an interrupted creation leaves nothing that counts, and the next one clears it away.
 * @throws KindredError output-exists, index-locked, folder-not-writable, disk-full
 */
export async function createIndex(folder: string, options: CreateIndexOptions): Promise<OpenedIndex> {
  const root = resolve(folder);
  await refuseForeignFolder(root, folder);
  const { release } = await lockIndex(root);
  try {
    // Again, now that nobody else can: another process may have been quicker.
    await refuseForeignFolder(root, folder);
    const number = await nextVersion(root);
    await fillVersion(versionFolder(root, number), options);
    await writeVersionInfo(versionFolder(root, number), options);
    await setCurrent(root, number);
    return await openVersion(root, number, { release });
  } catch (error) {
    await release();
    throw writeError(error, folder);
  }
}

/** Takes away an index that `createIndex` has just made and nothing was put into. Call after closing it. */
export async function removeIndex(folder: string): Promise<void> {
  const root = resolve(folder);
  for (const name of ['current', 'versions', 'blobs', 'reindex', 'next.json', 'lock.db', 'lock.txt']) {
    await rm(join(root, name), { recursive: true, force: true });
  }
  if ((await exists(root)) && (await listFolder(root)).length === 0) await rm(root, { recursive: true });
}
