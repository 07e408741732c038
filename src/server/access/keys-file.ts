import { randomBytes } from 'node:crypto';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { isSystemError, KindredError, writeError } from '../../core/errors.js';
import { readJson, writeFileAtomic } from '../../core/files.js';
import { type ApiKey, createKeyText, digestOf, type KeyFacts, keySchema } from './keys.js';

/** Every request compares with every key. */
const mostKeys = 1000;
const fileSchema = z.strictObject({ format: z.literal(1), keys: z.array(keySchema).max(mostKeys) });

/** A lock that its owner left behind: nobody holds one for longer than a write takes. */
const staleMs = 10_000;
const waitMs = 5000;

/** @throws KindredError file-not-found, file-unreadable, keys-invalid */
export async function readKeys(path: string): Promise<readonly ApiKey[]> {
  const parsed = fileSchema.safeParse(
    await readJson(path).catch((error: unknown) => {
      throw error instanceof KindredError && error.code === 'invalid-json' ? damaged(path, error) : error;
    }),
  );
  if (!parsed.success) throw damaged(path, parsed.error);
  // Who may write to it may give themselves a key.
  const { mode } = await stat(path);
  if (process.platform !== 'win32' && (mode & 0o022) !== 0) {
    throw new KindredError('keys-invalid', `others may write to ${path}`, {
      hint: `Look through kindred keys list --file ${path}, then: chmod 600 ${path}.`,
      field: '--keys',
    });
  }
  return parsed.data.keys;
}

function damaged(path: string, cause: unknown): KindredError {
  return new KindredError('keys-invalid', `${path} is no file of keys, or is damaged`, {
    hint: 'Restore it, or make another with kindred keys create.',
    field: '--keys',
    cause,
  });
}

/** Two that change the file at once would lose what one of them did. */
async function lock(path: string): Promise<() => Promise<void>> {
  const place = `${path}.lock`;
  const until = Date.now() + waitMs;
  for (;;) {
    try {
      await mkdir(dirname(path), { recursive: true });
      await (await open(place, 'wx', 0o600)).close();
      return () => rm(place, { force: true });
    } catch (error) {
      if (!isSystemError(error, 'EEXIST')) throw writeError(error, place);
      const age =
        Date.now() -
        (await stat(place)
          .catch(() => undefined)
          .then((found) => found?.mtimeMs ?? 0));
      if (age > staleMs) await rm(place, { force: true });
      else if (Date.now() > until) {
        throw new KindredError('keys-invalid', `${place} is there: another command changes the keys`, {
          hint: 'Wait until it is done.',
        });
      } else await setTimeout(20);
    }
  }
}

async function change<T>(path: string, edit: (keys: readonly ApiKey[]) => [readonly ApiKey[], T]): Promise<T> {
  const unlock = await lock(path);
  try {
    const before = await readKeys(path).catch((error: unknown) => {
      if (error instanceof KindredError && error.code === 'file-not-found') return [];
      throw error;
    });
    const [keys, result] = edit(before);
    await writeFileAtomic(path, `${JSON.stringify({ format: 1, keys }, undefined, 2)}\n`, { mode: 0o600 });
    return result;
  } finally {
    await unlock();
  }
}

/**
 * Makes a key; only its hash is kept.
 * @returns the key itself, this once
 * @throws KindredError invalid-option where the name is taken, keys-invalid, disk-full, …
 */
export function createKey(path: string, wanted: Omit<KeyFacts, 'id'>): Promise<{ key: string; facts: KeyFacts }> {
  return change(path, (keys) => {
    if (keys.some(({ name }) => name === wanted.name)) {
      throw new KindredError('invalid-option', `there is a key named ${wanted.name} already`, {
        field: '--name',
        hint: 'To replace it, create one of another name, bring it to its users, then revoke this one.',
      });
    }
    if (keys.length >= mostKeys) {
      throw new KindredError('invalid-option', `${path} has ${mostKeys} keys, which is the most`, {
        hint: 'Revoke some with kindred keys revoke.',
      });
    }
    const key = createKeyText();
    const facts: KeyFacts = { id: randomBytes(4).toString('hex'), ...wanted };
    const added = { ...facts, sha256: digestOf(key).toString('hex'), createdAt: new Date().toISOString() };
    return [[...keys, added], { key, facts }];
  });
}

/** Takes a key away, by its id or name. @throws KindredError unknown-name, keys-invalid, … */
export function revokeKey(path: string, idOrName: string): Promise<KeyFacts> {
  return change(path, (keys) => {
    // A name may look like another key's id; the id wins.
    const found = keys.find(({ id }) => id === idOrName) ?? keys.find(({ name }) => name === idOrName);
    if (found === undefined) {
      throw new KindredError('unknown-name', `no key has the id or name "${idOrName}"`, {
        hint: `See kindred keys list --file ${path}.`,
      });
    }
    const { id, name, scope } = found;
    return [keys.filter((key) => key !== found), { id, name, scope }];
  });
}
