import { join, resolve } from 'node:path';
import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import { readJson, writeFileAtomic } from '../../core/files.js';
import { version } from '../../core/version.js';
import { currentVersion, versionFolder } from './current.js';

/** Version of the folder's layout; a newer one is refused. */
const layoutVersion = 1;

const infoSchema = z.object({
  layoutVersion: z.number().int(),
  fingerprint: z.string(),
  dimension: z.number().int().min(1),
  createdAt: z.string(),
  kindred: z.string(),
});
export type IndexInfo = z.infer<typeof infoSchema>;

/** What a version folder says of itself. @throws KindredError index-damaged, index-too-new */
export async function readVersionInfo(root: string, number: number): Promise<IndexInfo> {
  const path = join(versionFolder(root, number), 'index.json');
  const json = await readJson(path).catch((error: unknown) => error);
  const parsed = infoSchema.safeParse(json);
  if (!parsed.success) {
    throw new KindredError('index-damaged', `${path} is missing or damaged`, {
      hint: 'Move the index folder away and run kindred index again; the pictures are not touched.',
      cause: json instanceof Error ? json : parsed.error,
    });
  }
  if (parsed.data.layoutVersion > layoutVersion) {
    throw new KindredError('index-too-new', `the index ${root} was made by kindred ${parsed.data.kindred}`, {
      hint: `Update kindred to ${parsed.data.kindred} or newer, or index again into another folder.`,
    });
  }
  return parsed.data;
}

/**
 * What the index in `folder` was made with, or undefined when there is none.
 * @throws KindredError index-damaged, index-too-new, file-unreadable
 */
export async function readIndexInfo(folder: string): Promise<IndexInfo | undefined> {
  const root = resolve(folder);
  const number = await currentVersion(root);
  return number === undefined ? undefined : readVersionInfo(root, number);
}

/** Written last of a version's files: only with it a version counts. */
export async function writeVersionInfo(
  versionFolder: string,
  { fingerprint, dimension }: Pick<IndexInfo, 'fingerprint' | 'dimension'>,
): Promise<void> {
  const createdAt = new Date().toISOString();
  const info: IndexInfo = { layoutVersion, fingerprint, dimension, createdAt, kindred: version };
  await writeFileAtomic(join(versionFolder, 'index.json'), `${JSON.stringify(info, undefined, 2)}\n`);
}
