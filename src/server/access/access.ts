import type { Request } from 'express';
import { KindredError } from '../../core/errors.js';
import type { AuditTrail } from './audit-trail.js';
import type { KeyFacts } from './keys.js';
import type { KeyRing } from './key-ring.js';
import { createRates, type RateLimit, type Rates } from './rates.js';
import { readSessionCookie } from './session-cookie.js';
import { createSessions, type Sessions } from './sessions.js';

/** Who may do what. One for the life of the server, whatever version of the index it serves. */
export interface Access {
  /** Null: no keys are asked for. */
  readonly keys: KeyRing | null;
  /** Without keys: whether whoever can connect may write. */
  readonly keylessWrites: boolean;
  readonly sessions: Sessions;
  readonly rates: Rates;
  readonly trail?: AuditTrail | undefined;
  /** Pages of these origins may call with a key, besides our own. */
  readonly origins: ReadonlySet<string>;
}

export interface AccessOptions {
  readonly keys?: KeyRing | undefined;
  readonly keylessWrites?: boolean;
  /** None where absent. */
  readonly rateLimit?: RateLimit | undefined;
  readonly trail?: AuditTrail | undefined;
  readonly origins?: readonly string[];
  readonly sessions?: Sessions;
  readonly rates?: Rates;
}

/** Without options: reading for whoever can connect, and nothing else. */
export function createAccess(options: AccessOptions = {}): Access {
  const { keys, rateLimit } = options;
  return {
    keys: keys ?? null,
    keylessWrites: options.keylessWrites ?? false,
    sessions: options.sessions ?? createSessions((id) => keys?.byId(id)),
    rates: options.rates ?? createRates(rateLimit),
    trail: options.trail,
    origins: new Set(options.origins),
  };
}

/** @throws KindredError key-invalid */
export function keyIn(keys: KeyRing, text: string): KeyFacts {
  const found = keys.find(text);
  if (found !== undefined) return found;
  throw new KindredError('key-invalid', 'this key is not known here, or was revoked', {
    hint: 'Ask whoever runs this server for another.',
  });
}

/**
 * The key that a request comes with: in its header, or else by the session that the page logged in to. A page of
 * another origin has to send the key: a browser adds the cookie by itself.
 * @throws KindredError key-missing, key-invalid
 */
export function identify({ keys, sessions, origins }: Access, request: Request): KeyFacts | null {
  if (keys === null) return null;
  const { authorization, origin } = request.headers;
  if (authorization !== undefined) {
    const text = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (text !== undefined) return keyIn(keys, text);
    throw new KindredError('key-invalid', 'the Authorization header must be: Bearer KEY', { field: 'Authorization' });
  }
  const token = origin !== undefined && origins.has(origin) ? undefined : readSessionCookie(request);
  const session = token === undefined ? undefined : sessions.find(token);
  if (session !== undefined) return session.key;
  throw new KindredError('key-missing', token === undefined ? 'this needs a key' : 'the session has ended', {
    hint: 'Send it in a header, Authorization: Bearer KEY, or log in on the page.',
  });
}
