import { stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isSystemError, KindredError } from '../../core/errors.js';
import { listFolder, syncFile, writeFolderAtomic } from '../../core/files.js';
import { version } from '../../core/version.js';
import { copyCatalogue } from '../embedded/check.js';
import type { CatalogueFacts } from '../embedded/check-protocol.js';
import { databaseFile } from '../embedded/format.js';
import { versionFolder } from '../folder/current.js';
import { requireCurrent } from '../index-folder.js';
import type { WorkOptions } from '../vectors.js';
import { type FileFacts, factsOf, placeCopy, placeLink } from './place.js';
import { formatManifest, type Manifest, manifestFile, snapshotFormat } from './manifest.js';
import { hashInName, storedImages } from './stored-images.js';

/** Copies of the database are taken again when a picture went while they were: at most so many times. */
const attempts = 3;

function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new KindredError('interrupted', 'stopped; no snapshot was written');
}

interface Linked {
  readonly files: Record<string, FileFacts>;
  readonly missing: string[];
}

/** Where its name is its hash, a picture is not read; `verifySnapshot` does that. */
async function imageFacts(path: string): Promise<FileFacts> {
  const named = hashInName(path);
  return named === undefined ? factsOf(path) : { sha256: named, bytes: (await stat(path)).size };
}

async function linkImages(root: string, to: string, names: readonly string[], work: WorkOptions): Promise<Linked> {
  const files: Record<string, FileFacts> = {};
  const missing: string[] = [];
  const folders = new Set<string>();
  for (const [at, name] of names.entries()) {
    stopIfAborted(work.signal);
    try {
      await placeLink(join(root, name), join(to, name));
      files[name] = await imageFacts(join(to, name));
      folders.add(dirname(join(to, name)));
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
      missing.push(name);
    }
    work.progress({ stage: 'pictures', done: at + 1, total: names.length });
  }
  for (const folder of folders) await syncFile(folder);
  return { files, missing };
}

async function copyModel(from: string, to: string, signal: AbortSignal): Promise<Record<string, FileFacts>> {
  const files: Record<string, FileFacts> = {};
  for (const name of await listFolder(from)) {
    if (name.startsWith('.')) continue; // what an interrupted write left
    stopIfAborted(signal);
    await placeCopy(join(from, name), join(to, 'model', name));
    files[`model/${name}`] = await factsOf(join(to, 'model', name));
  }
  await syncFile(join(to, 'model'));
  return files;
}

/** The catalogue and the pictures that its rows name. A writer may delete one between the two: then both again. */
async function copyContent(
  root: string,
  from: string,
  to: string,
  work: WorkOptions,
): Promise<Linked & { facts: CatalogueFacts }> {
  for (let attempt = 1; ; attempt++) {
    stopIfAborted(work.signal);
    const facts = await copyCatalogue(join(from, databaseFile), join(to, databaseFile));
    const linked = await linkImages(root, to, storedImages(root, facts.images), work);
    if (linked.missing.length === 0 || attempt === attempts) return { ...linked, facts };
  }
}

/** @throws KindredError output-exists */
async function refuseOccupied(folder: string): Promise<void> {
  const names = await listFolder(folder).catch((error: unknown) => {
    if (isSystemError(error, 'ENOTDIR')) return [folder];
    throw error;
  });
  if (names.length === 0) return;
  throw new KindredError('output-exists', `${folder} holds something already`, {
    hint: 'Choose a new folder with --out.',
  });
}

/**
 * Copies an index as it is at one instant, beside its server or writer: every row is checked on the way, and the copy is
 * on the disk, whole, when this resolves. On failure and on abort nothing is left.
 * @throws KindredError index-missing, index-damaged, output-exists, disk-full, folder-not-writable, interrupted
 */
export async function createSnapshot(index: string, folder: string, work: WorkOptions): Promise<Manifest> {
  const root = resolve(index);
  const from = versionFolder(root, await requireCurrent(root, index));
  await refuseOccupied(folder);
  let manifest: Manifest | undefined;
  await writeFolderAtomic(resolve(folder), async (temporary) => {
    const { facts, files, missing } = await copyContent(root, from, temporary, work);
    const { fingerprint, dimension, items, changeNumber, format } = facts;
    manifest = {
      format: snapshotFormat,
      kindred: version,
      createdAt: new Date().toISOString(),
      catalogueFormat: format,
      fingerprint,
      dimension,
      items,
      changeNumber,
      files: {
        [databaseFile]: await factsOf(join(temporary, databaseFile)),
        ...(await copyModel(join(from, 'model'), temporary, work.signal)),
        ...files,
      },
      missing,
    };
    await writeFile(join(temporary, manifestFile), formatManifest(manifest));
    await syncFile(join(temporary, manifestFile));
    stopIfAborted(work.signal);
  });
  if (manifest === undefined) throw new KindredError('internal', 'a snapshot without a manifest');
  return manifest;
}
