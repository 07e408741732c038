import { join, resolve } from 'node:path';
import type { Embedder } from '../../core/embedder.js';
import { KindredError } from '../../core/errors.js';
import { completeVersions, currentVersion, versionFolder } from '../folder/current.js';
import { readVersionInfo } from '../folder/info.js';
import { openVersion, requireCurrent } from '../index-folder.js';
import { lockIndex } from '../index-lock.js';
import type { WorkOptions } from '../vectors.js';
import { type Built, buildVersion } from './build.js';
import { type OpenModel, switchOrAsk, tryLock } from './hand-over.js';
import { readOrigin } from './origin.js';
import { pruneVersions } from './switch.js';

export interface ReindexOptions {
  readonly bundleFolder: string;
  readonly embedder: Embedder;
  /** Leave items out that the new model cannot embed: they came as vectors, or their picture is gone. */
  readonly skipMissing: boolean;
  /** Versions to keep, the current one included. */
  readonly keep: number;
}

export interface Reindexed extends Omit<Built, 'replayedTo'> {
  readonly version: number;
  readonly previous: number;
  /** Old versions deleted. */
  readonly pruned: readonly number[];
}

/** One at a time, whoever has the index's own lock. */
function lockBuilding(root: string) {
  return lockIndex(join(root, 'reindex')).catch((error: unknown) => {
    if (!(error instanceof KindredError) || error.code !== 'index-locked') throw error;
    throw new KindredError('index-locked', `the index ${root} is being re-indexed already: ${error.message}`, {
      hint: 'Wait for it, or stop it with Ctrl-C; what it has done is kept.',
      cause: error,
    });
  });
}

/**
 * Brings an index to another model: a version with it is built beside the current one, the writes that came meanwhile are
 * brought over, and `current` switches at one instant. A server with the index open goes on answering and switches too.
 * @throws KindredError index-missing, index-locked, invalid-option, reindex-incomplete, interrupted, disk-full, …
 */
export async function reindex(index: string, options: ReindexOptions, work: WorkOptions): Promise<Reindexed> {
  const root = resolve(index);
  await requireCurrent(root, index);
  const building = await lockBuilding(root);
  try {
    const lock = await tryLock(root);
    try {
      const previous = await requireCurrent(root, index);
      const { fingerprint } = await readVersionInfo(root, previous);
      if (fingerprint === options.embedder.fingerprint) {
        throw new KindredError('invalid-option', `${index} is of this model already`, { field: '--model' });
      }
      const { skipMissing, keep } = options;
      const source = await openVersion(root, previous, { readOnly: true });
      const built = await buildVersion(root, source.catalogue, { ...options, from: previous }, work).finally(() =>
        source.close(),
      );
      const { replayedTo, ...rest } = built;
      const request = {
        target: { built: 'reindex/version' },
        from: previous,
        replayFrom: replayedTo,
        skipMissing,
      } as const;
      // The embedder is there already: no need to open the model again.
      const lent: Embedder = { ...options.embedder, close: () => Promise.resolve() };
      const version = await switchOrAsk(root, request, () => Promise.resolve(lent), work, lock);
      // A server may still be letting requests out of the version before.
      const pruned = await pruneVersions(root, version, lock ? keep : Math.max(2, keep));
      return { ...rest, version, previous, pruned };
    } finally {
      await lock?.release();
    }
  } finally {
    await building.release();
  }
}

export interface RolledBack {
  readonly version: number;
  readonly previous: number;
  /** False when the current version was not made of the other one: its writes stay behind. */
  readonly replayed: boolean;
}

/**
 * Returns to the version before, with its model, and brings the writes since then along where the current one was made of
 * it. The other version is kept: the same again returns to it.
 * @throws KindredError index-missing, invalid-option when there is no version before, and as `reindex` does
 */
export async function rollBack(
  index: string,
  openModel: OpenModel,
  { skipMissing }: Pick<ReindexOptions, 'skipMissing'>,
  work: WorkOptions,
): Promise<RolledBack> {
  const root = resolve(index);
  await requireCurrent(root, index);
  const building = await lockBuilding(root);
  try {
    const lock = await tryLock(root);
    try {
      const from = await requireCurrent(root, index);
      const origin = await readOrigin(versionFolder(root, from));
      const complete = await completeVersions(root);
      const version = origin?.from ?? complete.filter((number) => number < from).at(-1);
      if (version === undefined || !complete.includes(version)) {
        throw new KindredError('invalid-option', `${index} has no version before this one`, { field: '--rollback' });
      }
      const replayFrom = origin?.switchedAt ?? (await lastChange(root, from));
      const request = { target: { version }, from, replayFrom, skipMissing };
      await switchOrAsk(root, request, openModel, work, lock);
      return { version: (await currentVersion(root)) ?? version, previous: from, replayed: origin?.switchedAt != null };
    } finally {
      await lock?.release();
    }
  } finally {
    await building.release();
  }
}

async function lastChange(root: string, number: number): Promise<number> {
  const opened = await openVersion(root, number, { readOnly: true });
  try {
    return (await opened.catalogue.stats()).changeNumber;
  } finally {
    await opened.close();
  }
}
