import { z } from 'zod';
import { keyScopes } from '../access/scopes.js';

export const loginRequestSchema = z.strictObject({ key: z.string().min(1).max(200) });

/** Who the caller is to the server. */
export const sessionResponseSchema = z.object({
  /** The name of the key; null where none is asked for. */
  name: z.string().nullable(),
  /** What may be done: read < write < admin. */
  scope: z.enum(keyScopes),
  /** When the session ends at the latest; null for a key in a header, or without keys. */
  expiresAt: z.iso.datetime().nullable(),
});
export type ApiSession = z.infer<typeof sessionResponseSchema>;
