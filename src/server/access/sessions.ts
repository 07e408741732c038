import { randomBytes } from 'node:crypto';
import type { KeyFacts } from './keys.js';
import { digestOf } from './keys.js';

export interface SessionTimes {
  /** Without a request for this long it ends. */
  readonly idleMs: number;
  /** It ends after this long in any case. */
  readonly absoluteMs: number;
}

export const sessionTimes: SessionTimes = { idleMs: 2 * 3600_000, absoluteMs: 12 * 3600_000 };

/** Beyond this the oldest end. */
const mostSessions = 10_000;

export interface OpenSession {
  readonly key: KeyFacts;
  /** When it ends whatever happens, ms since 1970. */
  readonly endsAt: number;
}

/** Log-ins of the page. They live in memory: a restart of the server ends them. */
export interface Sessions {
  /** @returns the token, which is kept nowhere */
  readonly open: (key: KeyFacts) => { readonly token: string; readonly endsAt: number };
  readonly find: (token: string) => OpenSession | undefined;
  readonly end: (token: string) => void;
  readonly size: () => number;
}

interface Entry {
  readonly keyId: string;
  readonly endsAt: number;
  usedAt: number;
}

/** `keyOf` says what a key allows now: a session ends with its key. */
export function createSessions(
  keyOf: (id: string) => KeyFacts | undefined,
  { idleMs, absoluteMs }: SessionTimes = sessionTimes,
  now: () => number = Date.now,
): Sessions {
  // By their hashes, so that neither memory dumps nor the time of a look-up tell a token.
  const entries = new Map<string, Entry>();
  const placeOf = (token: string): string => digestOf(token).toString('base64url');
  const alive = ({ endsAt, usedAt, keyId }: Entry): boolean =>
    now() < endsAt && now() - usedAt < idleMs && keyOf(keyId) !== undefined;

  const makeRoom = (): void => {
    if (entries.size < mostSessions) return;
    for (const [place, entry] of entries) if (!alive(entry)) entries.delete(place);
    const [oldest] = entries.keys();
    if (entries.size >= mostSessions && oldest !== undefined) entries.delete(oldest);
  };

  return {
    open(key) {
      makeRoom();
      const token = randomBytes(32).toString('base64url');
      const endsAt = now() + absoluteMs;
      entries.set(placeOf(token), { keyId: key.id, endsAt, usedAt: now() });
      return { token, endsAt };
    },
    find(token) {
      const place = placeOf(token);
      const entry = entries.get(place);
      if (entry === undefined) return undefined;
      const key = keyOf(entry.keyId);
      if (key === undefined || !alive(entry)) {
        entries.delete(place);
        return undefined;
      }
      entry.usedAt = now();
      return { key, endsAt: entry.endsAt };
    },
    end: (token) => void entries.delete(placeOf(token)),
    size: () => entries.size,
  };
}
