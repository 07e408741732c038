import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { KindredError } from '../core/errors.js';
import { writeFileAtomic } from '../core/files.js';
import type { ReportProgress } from '../core/progress.js';
import { mapConcurrent } from './concurrency.js';
import type { Dataset } from './dataset.js';
import { type Examined, examineImages } from './examine.js';

/** Beside dataset.json; a cache: a line that is wrong or out of date counts as absent. */
export const hashesFile = 'hashes.jsonl';

export interface ImageHashes {
  /** Lower-case hex SHA-256 of the file. */
  readonly content: string;
  /** 16 hexadecimal digits, or null; see `perceptualHash`. */
  readonly perceptual: string | null;
}

/** A line of the file: the hashes, and the file's size and time of change, by which a replaced picture is found out. */
const lineSchema = z.object({
  path: z.string(),
  bytes: z.number(),
  changed: z.number(),
  content: z.string().regex(/^[0-9a-f]{64}$/),
  perceptual: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .nullable(),
});
type Line = z.infer<typeof lineSchema>;

type Place = Pick<Dataset, 'folder' | 'root'>;

async function mark(root: string, path: string): Promise<{ bytes: number; changed: number } | undefined> {
  return stat(join(root, path)).then(
    ({ size, mtimeMs }) => ({ bytes: size, changed: mtimeMs }),
    () => undefined,
  );
}

function parseLine(text: string): Line[] {
  try {
    const parsed = lineSchema.safeParse(JSON.parse(text));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}

/**
 * The hashes that are kept beside a data set, by path; only of pictures that are as they were then. No picture is read.
 * @param paths relative to the root
 */
export async function keptHashes(
  { folder, root }: Place,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, ImageHashes>> {
  const text = await readFile(join(folder, hashesFile), 'utf8').catch(() => '');
  const lines = new Map(text.split('\n').flatMap((line) => parseLine(line).map((one) => [one.path, one])));
  const known = paths.filter((path) => lines.has(path));
  const marks = await mapConcurrent(known, (path) => mark(root, path), { signal });
  const kept = new Map<string, ImageHashes>();
  known.forEach((path, index) => {
    const line = lines.get(path);
    const now = marks[index];
    if (line && now && now.bytes === line.bytes && now.changed === line.changed)
      kept.set(path, { content: line.content, perceptual: line.perceptual });
  });
  return kept;
}

/** Writes what looking at the pictures found, for `keptHashes`. @throws KindredError disk-full, folder-not-writable */
export async function keepHashes({ folder, root }: Place, hashes: ReadonlyMap<string, ImageHashes>): Promise<void> {
  const signal = new AbortController().signal;
  const lines = await mapConcurrent(
    [...hashes],
    async ([path, { content, perceptual }]) => {
      const now = await mark(root, path);
      return now ? `${JSON.stringify({ path, ...now, content, perceptual } satisfies Line)}\n` : '';
    },
    { signal },
  );
  await writeFileAtomic(join(folder, hashesFile), lines.join(''));
}

/** The hashes among what `examineImages` found, by path. */
export function hashesAmong(paths: readonly string[], found: readonly Examined[]): Map<string, ImageHashes> {
  return new Map(
    found.flatMap((outcome, index): [string, ImageHashes][] =>
      outcome.ok ? [[paths[index] ?? '', { content: outcome.hash, perceptual: outcome.perceptual }]] : [],
    ),
  );
}

/**
 * The hashes of all pictures of a data set: those kept beside it, and of the others by reading them, which are then kept
 * where the folder can be written to. Unreadable pictures have none.
 * @throws KindredError interrupted
 */
export async function hashDataset(
  dataset: Dataset,
  options: { readonly progress: ReportProgress; readonly signal: AbortSignal },
): Promise<Map<string, ImageHashes>> {
  const paths = [...new Set(dataset.items.map(({ path }) => path))];
  const kept = await keptHashes(dataset, paths, options.signal);
  const missing = paths.filter((path) => !kept.has(path));
  if (missing.length === 0) return kept;
  const found = hashesAmong(missing, await examineImages(dataset.root, missing, options));
  const all = new Map([...kept, ...found]);
  if (found.size > 0) {
    await keepHashes(dataset, all).catch((error: unknown) => {
      // Only a convenience: a data set in a read-only place is hashed again the next time.
      if (!(error instanceof KindredError)) throw error;
    });
  }
  return all;
}
