import { setTimeout } from 'node:timers/promises';
import type { Embedder } from '../../core/embedder.js';
import { fromPlainError, KindredError } from '../../core/errors.js';
import { currentVersion } from '../folder/current.js';
import { openVersion } from '../index-folder.js';
import { type IndexLock, lockIndex } from '../index-lock.js';
import type { WorkOptions } from '../vectors.js';
import { readRequest, removeRequest, type SwitchRequest, writeRequest } from './request.js';
import { adoptTarget, completeSwitch, returnTarget } from './switch.js';

export type OpenModel = (modelFolder: string) => Promise<Embedder>;

const pollMs = 200;

/** The lock, or undefined while another process has it. */
export async function tryLock(root: string): Promise<IndexLock | undefined> {
  try {
    return await lockIndex(root);
  } catch (error) {
    if (error instanceof KindredError && error.code === 'index-locked') return undefined;
    throw error;
  }
}

/** Switches in this process, which holds the lock. Returns the version that is current then. */
export async function switchHere(root: string, request: SwitchRequest, openModel: OpenModel): Promise<number> {
  const source = await openVersion(root, request.from, { readOnly: true });
  const number = await adoptTarget(root, request);
  let done = false;
  try {
    const target = await openVersion(root, number);
    try {
      const embedder = await openModel(target.modelFolder);
      try {
        await completeSwitch(root, request, { source: source.catalogue, target, embedder });
      } finally {
        await embedder.close();
      }
    } finally {
      await target.close();
    }
    done = true;
    return number;
  } finally {
    if (!done) await returnTarget(root, request, number);
    await source.close();
  }
}

/**
 * Switches an index to another version: in this process where it can have the lock, or else by asking the one that has
 * it, a server as a rule, and waiting for its answer. Whichever is possible first.
 * @param lock held already, where it is
 * @throws KindredError reindex-incomplete, interrupted, and what the other process met
 */
export async function switchOrAsk(
  root: string,
  request: SwitchRequest,
  openModel: OpenModel,
  { signal, progress }: WorkOptions,
  lock?: IndexLock,
): Promise<number> {
  if (lock) return switchHere(root, request, openModel);
  await writeRequest(root, request);
  try {
    for (let waited = 0; ; waited++) {
      if (signal.aborted) {
        throw new KindredError('interrupted', 'stopped before the switch; what was built is kept', {
          hint: 'Run the same command again.',
        });
      }
      const now = await currentVersion(root);
      const asked = await readRequest(root);
      if (asked?.failed) {
        const { code, message, hint, field } = asked.failed;
        throw fromPlainError({ code, message, hint, field });
      }
      if (asked === undefined && now !== undefined && now !== request.from) return now;
      const own = await tryLock(root);
      if (own) {
        try {
          // It may have switched in its last moments.
          const current = await currentVersion(root);
          return current !== undefined && current !== request.from
            ? current
            : await switchHere(root, request, openModel);
        } finally {
          await own.release();
        }
      }
      progress({ stage: 'waiting for the process that has the index open', done: waited, unit: 'looks' });
      await setTimeout(pollMs);
    }
  } finally {
    await removeRequest(root);
  }
}
