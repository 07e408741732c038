import { toPlainError } from '../../core/errors.js';
import { currentVersion } from '../../indexing/folder/current.js';
import { type OpenedIndex, openVersion } from '../../indexing/index-folder.js';
import { readRequest, removeRequest, type SwitchRequest, writeRequest } from '../../indexing/reindex/request.js';
import { adoptTarget, completeSwitch, returnTarget } from '../../indexing/reindex/switch.js';
import type { Generation } from './generation.js';
import type { Switchboard } from './switchboard.js';

export interface FollowOptions {
  readonly root: string;
  readonly readOnly: boolean;
  readonly board: Switchboard<Generation>;
  readonly open: (index: OpenedIndex) => Promise<Generation>;
  readonly warn: (text: string) => void;
  readonly signal: AbortSignal;
  /** Versions that are being closed, once their last request is answered. */
  readonly retiring: Set<Promise<void>>;
  /** Between two looks, unless a SIGHUP comes; 500 ms where absent. */
  readonly everyMs?: number;
}

/**
 * Follows the index to other versions while it is served. A server that only reads goes where `current` goes; one that
 * writes holds the lock, so others ask it to switch, and it brings the last writes over itself.
 * @returns when the signal has aborted and no switch is under way
 */
export async function followVersions(options: FollowOptions): Promise<void> {
  const { root, readOnly, warn } = options;
  // What could not be opened is not tried again and again.
  let refused: number | undefined;
  await everySoOften(options, async () => {
    if (!readOnly) {
      const request = await readRequest(root);
      if (request !== undefined && request.failed === undefined) await answer(options, request);
      return;
    }
    const number = await currentVersion(root);
    if (number === undefined || number === options.board.current().index.version || number === refused) return;
    try {
      await replaceBy(options, await openVersion(root, number, { readOnly: true }));
    } catch (error) {
      refused = number;
      warn(`version ${number} of the index cannot be served, so the one before still is: ${String(error)}`);
    }
  });
}

/** A function of its own, for the compiler takes what it saw before waiting for what is. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Looks at once on a SIGHUP. */
async function everySoOften({ signal, everyMs = 500, warn }: FollowOptions, look: () => Promise<void>): Promise<void> {
  let wake: () => void = () => undefined;
  const hurry = (): void => wake();
  process.on('SIGHUP', hurry);
  signal.addEventListener('abort', hurry);
  while (!signal.aborted) {
    await look().catch((error: unknown) => warn(`looking for another version of the index failed: ${String(error)}`));
    await new Promise<void>((resolve) => {
      if (isAborted(signal)) resolve();
      const timer = setTimeout(resolve, everyMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  process.off('SIGHUP', hurry);
  signal.removeEventListener('abort', hurry);
}

/** Opens, replaces, and closes what was there when its last request is answered. */
async function replaceBy(options: FollowOptions, index: OpenedIndex): Promise<void> {
  let next: Generation;
  try {
    next = await options.open(index);
  } catch (error) {
    await index.close();
    throw error;
  }
  retire(options, next);
}

function retire({ board, retiring, warn }: FollowOptions, next: Generation): void {
  const previous = board.current();
  warn(`serving version ${next.index.version} of the index, model ${next.model.fingerprint.slice(0, 12)}`);
  const closing = board
    .replace(next)
    .then(() => previous.close())
    .catch((error: unknown) => warn(`closing version ${previous.index.version} failed: ${String(error)}`))
    .finally(() => retiring.delete(closing));
  retiring.add(closing);
}

async function answer(options: FollowOptions, request: SwitchRequest): Promise<void> {
  const { root, board, warn } = options;
  if (request.from !== board.current().index.version) return removeRequest(root);
  try {
    await switchTo(options, request);
  } catch (error) {
    warn(`switching to another version of the index failed: ${String(error)}`);
    const { code, message, hint, field } = toPlainError(error);
    await writeRequest(root, { ...request, failed: { code, message, hint, field } });
  }
}

async function switchTo(options: FollowOptions, request: SwitchRequest): Promise<void> {
  const { root, board, open } = options;
  const number = await adoptTarget(root, request);
  let index: OpenedIndex | undefined;
  let next: Generation | undefined;
  try {
    index = await openVersion(root, number);
    next = await open(index);
    const source = board.current().catalogue;
    await completeSwitch(root, request, {
      source,
      target: index,
      embedder: next.embedder,
      hold: (carry) => source.hold(carry),
    });
    retire(options, next);
  } catch (error) {
    await (next ?? index)?.close();
    await returnTarget(root, request, number);
    throw error;
  }
}
