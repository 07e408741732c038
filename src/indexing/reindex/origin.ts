import { join } from 'node:path';
import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import { exists, readJson, writeFileAtomic } from '../../core/files.js';

const originSchema = z.object({
  /** The version that it was made of. */
  from: z.number().int().min(1),
  /** Items without an embedding of its model are left out. */
  skipMissing: z.boolean(),
  /** The last change of `from` that it holds. */
  replayedTo: z.number().int().min(0),
  /** Its own last change when it became current: what came later, `from` does not have. Null before. */
  switchedAt: z.number().int().min(0).nullable(),
});
/** What a version that `kindred reindex` made says of where it came from: versions/N/reindexed.json. */
export type Origin = z.infer<typeof originSchema>;

const originFile = 'reindexed.json';

/** Undefined for a version that was not made of another. @throws KindredError index-damaged */
export async function readOrigin(versionFolder: string): Promise<Origin | undefined> {
  const path = join(versionFolder, originFile);
  if (!(await exists(path))) return undefined;
  const parsed = originSchema.safeParse(await readJson(path).catch(() => undefined));
  if (parsed.success) return parsed.data;
  throw new KindredError('index-damaged', `${path} is damaged`, {
    hint: 'Remove it; the version can then not be taken back with its later writes.',
    cause: parsed.error,
  });
}

export function writeOrigin(versionFolder: string, origin: Origin): Promise<void> {
  return writeFileAtomic(join(versionFolder, originFile), `${JSON.stringify(origin, undefined, 2)}\n`);
}
