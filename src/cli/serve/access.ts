import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import { type Access, createAccess } from '../../server/access/access.js';
import { openAuditTrail } from '../../server/access/audit-trail.js';
import { openKeyRing } from '../../server/access/key-ring.js';
import type { Log } from '../../server/log.js';
import { isLoopback } from '../../server/middleware/security.js';

const units = { s: 1, m: 60, h: 3600 } as const;

const rateLimit = z
  .string()
  .regex(/^[1-9]\d{0,6}\/[smh]$/, { error: 'must be a number a second, minute or hour: 50/s, 1000/m, 20000/h' })
  .transform((text) => {
    const [, unit] = /\/([smh])$/.exec(text) ?? [];
    const seconds = unit === 's' || unit === 'm' || unit === 'h' ? units[unit] : 1;
    return { requests: parseInt(text, 10), seconds };
  });

const names = (rule: RegExp, error: string) =>
  z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(z.string().regex(rule, { error })));

/** The options of kindred serve that say who may do what. */
export const accessOptions = {
  keys: z.string().optional(),
  allowKeylessWrites: z.boolean().default(false),
  allowHost: names(/^([a-z0-9.-]+|\[[0-9a-f:.]+\])$/, 'must be host names in lower case, without ports').optional(),
  corsOrigin: names(/^https?:\/\/[a-z0-9.-]+(:\d+)?$/, 'must be origins such as https://shop.example').optional(),
  trustProxy: names(
    /^(loopback|linklocal|uniquelocal|[0-9a-f.:]+(\/\d+)?)$/i,
    'must be addresses, or loopback',
  ).optional(),
  rateLimit: rateLimit.optional(),
  auditLog: z.string().optional(),
};

type Options = z.infer<z.ZodObject<typeof accessOptions>> & { readonly host: string; readonly readOnly: boolean };

function refuse(field: string, message: string, hint: string): never {
  throw new KindredError('invalid-option', message, { field, hint });
}

/** @throws KindredError invalid-option where the options contradict each other, or open too much */
export function checkAccessOptions({ allowKeylessWrites, host, keys, readOnly }: Options): void {
  const flag = '--allow-keyless-writes';
  if (readOnly && allowKeylessWrites) refuse(flag, `${flag} does not go with --read-only`, 'Leave one of them out.');
  if (keys !== undefined && allowKeylessWrites) {
    refuse(flag, `${flag} does not go with --keys`, 'Leave it out: with keys, those with the scope write may write.');
  }
  if (keys === undefined && !isLoopback(host)) {
    refuse(
      '--host',
      `without keys the server listens on this machine alone, and ${host} is open to others`,
      'Make a key, kindred keys create --scope admin --name me --file keys.json, and give --keys keys.json.',
    );
  }
}

export interface OpenedAccess extends Access {
  close(): Promise<void>;
}

/** Opens the keys and the audit log for the life of the server. @throws KindredError keys-invalid, file-not-found, … */
export async function openAccess(options: Options, warn: (text: string) => void, log: Log): Promise<OpenedAccess> {
  const keys = options.keys === undefined ? undefined : await openKeyRing(options.keys, { warn });
  if (keys?.size() === 0) warn('there are no keys yet, so nothing is answered: kindred keys create');
  const trail = options.auditLog === undefined ? undefined : openAuditTrail(options.auditLog, log);
  const reopen = (): void => trail?.reopen();
  process.on('SIGHUP', reopen);
  const access = createAccess({
    keys,
    keylessWrites: options.allowKeylessWrites,
    rateLimit: options.rateLimit,
    trail,
    origins: options.corsOrigin ?? [],
  });
  const close = async (): Promise<void> => {
    process.off('SIGHUP', reopen);
    keys?.close();
    await trail?.close();
  };
  return { ...access, close };
}
