import { createKeyText, digestOf, type KnownKey } from '../../../src/server/access/keys.js';
import { type KeyRing, keyRingOf } from '../../../src/server/access/key-ring.js';
import { keyScopes, type KeyScope } from '../../../src/server/access/scopes.js';

export interface TestKeys {
  readonly ring: KeyRing;
  /** One of each scope. */
  readonly text: Readonly<Record<KeyScope, string>>;
  revoke(scope: KeyScope): void;
}

export function testKeys(): TestKeys {
  const text = { read: createKeyText(), write: createKeyText(), admin: createKeyText() };
  let keys: readonly KnownKey[] = keyScopes.map((scope, at) => ({
    id: `0000000${at}`,
    name: `the-${scope}-key`,
    scope,
    digest: digestOf(text[scope]),
  }));
  return {
    ring: keyRingOf(() => keys),
    text,
    revoke: (scope) => (keys = keys.filter((key) => key.scope !== scope)),
  };
}
