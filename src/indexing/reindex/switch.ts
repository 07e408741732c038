import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Embedder } from '../../core/embedder.js';
import { syncFile } from '../../core/files.js';
import type { Catalogue } from '../catalogue.js';
import { completeVersions, nextVersion, setCurrent, versionFolder } from '../folder/current.js';
import type { OpenedIndex } from '../index-folder.js';
import { createCarrier, refuseSkipped } from './carry.js';
import { writeOrigin } from './origin.js';
import { removeRequest, type SwitchRequest } from './request.js';

/** Where a new version is built, beside those that count. */
export const builtFolder = join('reindex', 'version');

/** Gives what was built its place among the versions, and its number. Under the index's lock. */
export async function adoptTarget(root: string, { target }: SwitchRequest): Promise<number> {
  if ('version' in target) return target.version;
  const number = await nextVersion(root);
  await mkdir(join(root, 'versions'), { recursive: true });
  await rename(join(root, builtFolder), versionFolder(root, number));
  await syncFile(join(root, 'versions'));
  return number;
}

/** After a switch that failed: what was built can be gone on with. */
export async function returnTarget(root: string, { target }: SwitchRequest, number: number): Promise<void> {
  if ('built' in target) await rename(versionFolder(root, number), join(root, builtFolder));
}

/** Thousands of changes brought over before writes are made to wait for the rest: from then on it must come to an end. */
const pagesBeforeHold = 20;

export interface SwitchParts {
  readonly source: Catalogue;
  /** The version to switch to, open for writing. */
  readonly target: OpenedIndex;
  /** Of its model. */
  readonly embedder: Embedder;
  /**
   * For a process that goes on writing to the source: from when this resolves, each write to it must wait for `carry`
   * before it is acknowledged, and none is under way that does not. Returns what ends that.
   */
  readonly hold?: (carry: () => Promise<void>) => Promise<() => void>;
}

/**
 * Brings over what was written meanwhile, then makes the target current: a write that was acknowledged is in it. Under
 * the index's lock.
 * @throws KindredError reindex-incomplete; nothing has then been switched
 */
export async function completeSwitch(root: string, request: SwitchRequest, parts: SwitchParts): Promise<void> {
  const { source, target, embedder, hold } = parts;
  const carrier = createCarrier({ source, target: target.catalogue, embedder });
  let last = await carrier.replay(request.replayFrom, pagesBeforeHold);
  if (!request.skipMissing) refuseSkipped(carrier.skipped);
  let queue: Promise<void> = Promise.resolve();
  // One after another: two replays at once could bring an older state after a newer one.
  const carry = (): Promise<void> => {
    const run = queue.then(async () => {
      last = await carrier.replay(last);
      const skipped = new Map(carrier.skipped);
      if (!request.skipMissing) refuseSkipped(skipped);
    });
    queue = run.catch(() => undefined);
    return run;
  };
  const release = await hold?.(carry);
  try {
    await carry();
    const { changeNumber } = await target.catalogue.stats();
    const { from, skipMissing } = request;
    await writeOrigin(target.versionFolder, { from, skipMissing, replayedTo: last, switchedAt: changeNumber });
    await setCurrent(root, target.version);
  } catch (error) {
    release?.();
    throw error;
  }
  await removeRequest(root);
}

/** Deletes the oldest versions beyond the `keep` newest, never the current one. */
export async function pruneVersions(root: string, current: number, keep: number): Promise<number[]> {
  const others = (await completeVersions(root)).filter((number) => number !== current);
  const gone = others.slice(0, Math.max(0, others.length - (keep - 1)));
  for (const number of gone) await rm(versionFolder(root, number), { recursive: true, force: true });
  return gone;
}
