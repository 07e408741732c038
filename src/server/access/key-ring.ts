import { stat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { findKey, type KeyFacts, type KnownKey } from './keys.js';
import { readKeys } from './keys-file.js';

/** The keys that are accepted just now. */
export interface KeyRing {
  readonly find: (text: string) => KeyFacts | undefined;
  /** Undefined once it is revoked. */
  readonly byId: (id: string) => KeyFacts | undefined;
  readonly size: () => number;
}

export interface WatchedKeyRing extends KeyRing {
  close(): void;
}

export interface KeyRingOptions {
  readonly warn: (text: string) => void;
  /** Between two looks at the file; 500 ms where absent. */
  readonly everyMs?: number;
}

export function keyRingOf(current: () => readonly KnownKey[]): KeyRing {
  return {
    find: (text) => findKey(current(), text),
    byId: (id) => current().find((key) => key.id === id),
    size: () => current().length,
  };
}

/** Changes whenever the file does: replacing it changes the inode. */
async function stateOf(path: string): Promise<string> {
  const { ino, mtimeMs, ctimeMs, size } = await stat(path);
  return [ino, mtimeMs, ctimeMs, size].join();
}

async function load(path: string): Promise<KnownKey[]> {
  return (await readKeys(path)).map(({ id, name, scope, sha256 }) => ({
    id,
    name,
    scope,
    digest: Buffer.from(sha256, 'hex'),
  }));
}

/**
 * Follows a file of keys while it is changed. By looking at it now and then: a watch on it ends when the file is
 * replaced, and some file systems have none. While the file is gone or damaged no key is accepted, since what was
 * revoked in it cannot be known.
 * @throws KindredError file-not-found, file-unreadable, keys-invalid
 */
export async function openKeyRing(path: string, { warn, everyMs = 500 }: KeyRingOptions): Promise<WatchedKeyRing> {
  let seen = await stateOf(path).catch(() => '');
  let keys = await load(path);
  const stop = new AbortController();

  const look = async (): Promise<void> => {
    const state = await stateOf(path).catch(() => 'gone');
    if (state === seen) return;
    seen = state;
    try {
      keys = await load(path);
      warn(`read the keys again: ${keys.length} in ${path}`);
    } catch (error) {
      keys = [];
      warn(`no key is accepted until ${path} is mended: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const follow = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await setTimeout(everyMs, undefined, { ref: false, signal: stop.signal });
      await look();
    }
  };
  follow().catch((error: unknown) => {
    if (!stop.signal.aborted) warn(`the keys are not followed any more: ${String(error)}`);
  });
  return { ...keyRingOf(() => keys), close: () => stop.abort() };
}
