import type { Request, RequestHandler, Response } from 'express';
import { KindredError } from '../../core/errors.js';
import { type Access, identify } from './access.js';
import type { KeyFacts } from './keys.js';
import { covers, type KeyScope, type Scope } from './scopes.js';

/** What stands before every route, by its scope alone. */
export type Guard = (route: GuardedRoute) => RequestHandler;

interface GuardedRoute {
  readonly method: string;
  readonly path: string;
  readonly scope: Scope;
}

const challenges = {
  'key-missing': 'Bearer realm="kindred"',
  'key-invalid': 'Bearer realm="kindred", error="invalid_token"',
} as const;

const addressOf = (request: Request): string => request.ip ?? request.socket.remoteAddress ?? 'unknown';

/** Turns a wrong key away, and those who try many. @throws KindredError key-missing, key-invalid, rate-limited */
export async function refuseKey(access: Access, error: unknown, request: Request, response: Response): Promise<never> {
  if (error instanceof KindredError && (error.code === 'key-missing' || error.code === 'key-invalid')) {
    response.set('WWW-Authenticate', challenges[error.code]);
    if (error.code === 'key-invalid') await access.rates.failed(addressOf(request), response);
  }
  throw error;
}

function check(access: Access, key: KeyFacts | null, needed: KeyScope, response: Response): void {
  if (key === null) {
    if (needed === 'read' || access.keylessWrites) return;
    throw new KindredError('writes-disabled', 'without keys this server only answers what reading needs', {
      hint: 'Start it with kindred serve --keys FILE, or on this machine alone with --allow-keyless-writes.',
    });
  }
  if (covers(key.scope, needed)) return;
  response.set('WWW-Authenticate', `Bearer realm="kindred", error="insufficient_scope", scope="${needed}"`);
  throw new KindredError(
    'scope-missing',
    `this needs a key of the scope ${needed}, and ${key.name} is one to ${key.scope}`,
  );
}

/**
 * Checks key, scope and rate, and leaves a trail of what changes something. Before the body is read, so that who may not
 * write sends nothing into our memory.
 */
export function createGuard(access: Access): Guard {
  const admit = async (request: Request, response: Response): Promise<KeyFacts | null> => {
    const key = identify(access, request);
    await access.rates.request?.(key === null ? addressOf(request) : `key ${key.id}`, response);
    return key;
  };

  return ({ method, path, scope }) => {
    if (scope === 'none') return (_request, _response, next) => next();
    const traced = method !== 'get' && scope !== 'read';
    if (scope === 'read' && access.keys === null && access.rates.request === undefined) {
      return (_request, _response, next) => next();
    }
    return async (request, response, next) => {
      const key = await admit(request, response).catch((error: unknown) => refuseKey(access, error, request, response));
      if (traced)
        access.trail?.begin(request, response, {
          key,
          route: `${method.toUpperCase()} ${path.replaceAll('\\:', ':')}`,
        });
      check(access, key, scope, response);
      next();
    };
  };
}
