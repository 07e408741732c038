import { join, resolve } from 'node:path';
import { isSystemError, KindredError } from '../../core/errors.js';
import { sha256File } from '../../core/hashing.js';
import { checkCatalogue } from '../embedded/check.js';
import type { CatalogueFacts } from '../embedded/check-protocol.js';
import { databaseFile } from '../embedded/format.js';
import { versionFolder } from '../folder/current.js';
import { readVersionInfo } from '../folder/info.js';
import { requireCurrent } from '../index-folder.js';
import type { WorkOptions } from '../vectors.js';
import { hashInName, storedImages } from './stored-images.js';

export interface VerifiedIndex extends CatalogueFacts {
  readonly modelFolder: string;
  /** Pictures that the index keeps itself, all of them read. */
  readonly stored: number;
}

async function checkImage(path: string, name: string): Promise<void> {
  const damaged = (what: string, cause?: unknown): KindredError =>
    new KindredError('index-damaged', `the stored picture ${path} ${what}`, {
      hint: 'Restore the index from a snapshot, or put the items again.',
      cause,
    });
  const found = await sha256File(path).catch((error: unknown) => {
    throw damaged(isSystemError(error, 'ENOENT') ? 'is missing' : 'cannot be read', error);
  });
  const wanted = hashInName(name);
  if (wanted !== undefined && found !== wanted) throw damaged('was changed since it was written');
}

/**
 * Reads the current version of an index to its last byte, beside its server or writer: pages and rows of the catalogue,
 * and the pictures it stores. The graph is a cache, which is checked whenever it is loaded.
 * @throws KindredError index-damaged naming the item or picture, index-missing, index-too-new, interrupted
 */
export async function verifyIndex(index: string, { progress, signal }: WorkOptions): Promise<VerifiedIndex> {
  const root = resolve(index);
  const number = await requireCurrent(root, index);
  const { fingerprint } = await readVersionInfo(root, number);
  const folder = versionFolder(root, number);
  const facts = await checkCatalogue(join(folder, databaseFile));
  if (facts.fingerprint !== fingerprint) {
    throw new KindredError('index-damaged', `index.json and ${databaseFile} in ${folder} name different models`);
  }
  const names = storedImages(root, facts.images);
  for (const [at, name] of names.entries()) {
    if (signal.aborted) throw new KindredError('interrupted', 'stopped; not all of the index was read');
    await checkImage(join(root, name), name);
    progress({ stage: 'verifying', done: at + 1, total: names.length });
  }
  return { ...facts, modelFolder: join(folder, 'model'), stored: names.length };
}
