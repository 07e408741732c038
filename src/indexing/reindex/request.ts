import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCodes, type ErrorCode } from '../../core/errors.js';
import { exists, readJson, writeFileAtomic } from '../../core/files.js';

const isCode = (value: unknown): value is ErrorCode => typeof value === 'string' && Object.hasOwn(errorCodes, value);

const failureSchema = z.object({
  code: z.custom<ErrorCode>(isCode),
  message: z.string(),
  hint: z.string().optional(),
  field: z.string().optional(),
});

const requestSchema = z.object({
  /** What to switch to: a folder that was built beside the versions, or a version. */
  target: z.union([z.object({ built: z.literal('reindex/version') }), z.object({ version: z.number().int().min(1) })]),
  /** The version that was current when it was asked. */
  from: z.number().int().min(1),
  /** The last change of `from` that the target holds. */
  replayFrom: z.number().int().min(0),
  skipMissing: z.boolean(),
  /** Set by the process that writes the index, when it could not. */
  failed: failureSchema.optional(),
});
/**
 * Asks the process that holds the index's lock to switch: INDEX/next.json. Whoever may write in the folder may ask; the
 * process takes the file away when it has switched.
 */
export type SwitchRequest = z.infer<typeof requestSchema>;

const requestFile = 'next.json';

export async function readRequest(root: string): Promise<SwitchRequest | undefined> {
  const path = join(root, requestFile);
  if (!(await exists(path))) return undefined;
  const parsed = requestSchema.safeParse(await readJson(path).catch(() => undefined));
  return parsed.success ? parsed.data : undefined;
}

export function writeRequest(root: string, request: SwitchRequest): Promise<void> {
  return writeFileAtomic(join(root, requestFile), `${JSON.stringify(request, undefined, 2)}\n`);
}

export function removeRequest(root: string): Promise<void> {
  return rm(join(root, requestFile), { force: true });
}
