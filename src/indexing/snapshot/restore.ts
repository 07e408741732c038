import { mkdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { KindredError, writeError } from '../../core/errors.js';
import { syncFile } from '../../core/files.js';
import { currentVersion, nextVersion, setCurrent, versionFolder } from '../folder/current.js';
import { refuseForeignFolder, removeIndex } from '../folder/create.js';
import { writeVersionInfo } from '../folder/info.js';
import { lockIndex } from '../index-lock.js';
import type { WorkOptions } from '../vectors.js';
import type { Manifest } from './manifest.js';
import { placeCopy, placeLink } from './place.js';
import { imagesFolder } from './stored-images.js';
import { verifySnapshot } from './verify.js';

export interface Restored {
  readonly manifest: Manifest;
  /** The version that is current now, and the one that was; null where there was no index. */
  readonly version: number;
  readonly previous: number | null;
}

function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new KindredError('interrupted', 'stopped; the index is as it was');
}

async function placeFiles(from: string, root: string, number: number, manifest: Manifest, work: WorkOptions) {
  const names = Object.keys(manifest.files);
  const folders = new Set<string>();
  for (const [at, name] of names.entries()) {
    stopIfAborted(work.signal);
    const stored = name.startsWith(`${imagesFolder}/`);
    const to = join(stored ? root : versionFolder(root, number), name);
    await (stored ? placeLink : placeCopy)(join(from, name), to);
    folders.add(dirname(to));
    work.progress({ stage: 'restoring', done: at + 1, total: names.length, unit: 'files' });
  }
  for (const folder of folders) await syncFile(folder);
}

/**
 * Makes an index of a snapshot, or a new version of an index that is there: verified to its last byte first, written
 * beside what is current, then switched to at one instant. The version before stays, for `kindred reindex --rollback`.
 * @throws KindredError snapshot-damaged, output-exists, index-locked, disk-full, folder-not-writable, interrupted: what
 * was there is then as it was
 */
export async function restoreSnapshot(snapshot: string, index: string, work: WorkOptions): Promise<Restored> {
  const from = resolve(snapshot);
  const root = resolve(index);
  const manifest = await verifySnapshot(from, work);
  if ((await currentVersion(root)) === undefined) await refuseForeignFolder(root, index);
  const { release } = await lockIndex(root);
  let number: number | undefined;
  let done = false;
  let fresh = false;
  try {
    const previous = (await currentVersion(root)) ?? null;
    fresh = previous === null;
    number = await nextVersion(root);
    await mkdir(versionFolder(root, number), { recursive: true });
    await placeFiles(from, root, number, manifest, work);
    await writeVersionInfo(versionFolder(root, number), manifest);
    stopIfAborted(work.signal);
    await setCurrent(root, number);
    done = true;
    return { manifest, version: number, previous };
  } catch (error) {
    throw writeError(error, index);
  } finally {
    if (!done && number !== undefined) await rm(versionFolder(root, number), { recursive: true, force: true });
    await release();
    if (!done && fresh) await removeIndex(root);
  }
}
