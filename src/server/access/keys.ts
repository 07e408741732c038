import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { keyScopes, type KeyScope } from './scopes.js';

/** What the rest of the server, its logs and its users may know of a key. */
export interface KeyFacts {
  readonly id: string;
  readonly name: string;
  readonly scope: KeyScope;
}

export const keyNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
  error: 'must be 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit',
});

export const keySchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{8}$/),
  name: keyNameSchema,
  scope: z.enum(keyScopes),
  /**
   * SHA-256 of the key. A slow hash protects secrets that can be guessed; 256 random bits cannot, and every request has
   * to be checked.
   */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: z.iso.datetime(),
});
export type ApiKey = z.infer<typeof keySchema>;

/** What a key looks like in a text, so that it can be taken out of logs. */
export const keyPattern = /kd_[A-Za-z0-9_-]{43}/g;

/** A new key: 256 random bits behind a prefix that secret scanners can look for. */
export function createKeyText(): string {
  return `kd_${randomBytes(32).toString('base64url')}`;
}

export function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

export interface KnownKey extends KeyFacts {
  readonly digest: Buffer;
}

/** Takes as long whichever key it is, and whether it is one at all. */
export function findKey(keys: readonly KnownKey[], text: string): KnownKey | undefined {
  const digest = digestOf(text);
  let found: KnownKey | undefined;
  for (const key of keys) if (timingSafeEqual(digest, key.digest)) found = key;
  return found;
}
