import { join, resolve } from 'node:path';
import { KindredError } from '../core/errors.js';
import { type EmbeddedCatalogue, openEmbeddedCatalogue } from './embedded/embedded-catalogue.js';
import { currentVersion, versionFolder } from './folder/current.js';
import { readVersionInfo } from './folder/info.js';
import { lockIndex } from './index-lock.js';

export interface OpenedIndex {
  readonly catalogue: EmbeddedCatalogue;
  /** The index folder, absolute. */
  readonly folder: string;
  /** Its number: the N of versions/N. */
  readonly version: number;
  /** The version in use: INDEX/versions/N, absolute. */
  readonly versionFolder: string;
  /** Its copy of the model bundle. */
  readonly modelFolder: string;
  /** Closes the catalogue and frees the lock, where this opening took it. */
  close(): Promise<void>;
}

export interface OpenVersionOptions {
  readonly readOnly?: boolean;
  /** Frees the lock that the version was opened under; called at closing. */
  readonly release?: () => Promise<void>;
}

/**
 * Opens one version of an index, whether `current` names it or not. To write it, the caller holds the index's lock.
 * @throws KindredError index-missing, index-damaged, index-too-new
 */
export async function openVersion(
  root: string,
  number: number,
  options: OpenVersionOptions = {},
): Promise<OpenedIndex> {
  const { readOnly = false, release } = options;
  const { fingerprint } = await readVersionInfo(root, number);
  const folder = versionFolder(root, number);
  const catalogue = await openEmbeddedCatalogue({ folder, readOnly, imageRoot: root });
  if (catalogue.fingerprint !== fingerprint) {
    await catalogue.close();
    throw new KindredError('index-damaged', `index.json and catalogue.db in ${folder} name different models`, {
      hint: 'Move the index folder away and run kindred index again; the pictures are not touched.',
    });
  }
  return {
    catalogue,
    folder: root,
    version: number,
    versionFolder: folder,
    modelFolder: join(folder, 'model'),
    async close() {
      try {
        await catalogue.close();
      } finally {
        await release?.();
      }
    },
  };
}

/** @throws KindredError index-missing */
export async function requireCurrent(root: string, folder: string): Promise<number> {
  const number = await currentVersion(root);
  if (number !== undefined) return number;
  throw new KindredError('index-missing', `there is no index in ${folder}`, {
    hint: `Make one: kindred index --model MODEL --images DIR --out ${folder}`,
  });
}

/**
 * Opens an index. To write it, this process becomes its only writer; `readOnly` takes no lock and sees the index as it
 * is now, also while another process writes it.
 * @throws KindredError index-missing, index-locked, index-damaged, index-too-new, folder-not-writable
 */
export async function openIndex(folder: string, options: { readonly readOnly?: boolean } = {}): Promise<OpenedIndex> {
  const root = resolve(folder);
  await readVersionInfo(root, await requireCurrent(root, folder));
  if (options.readOnly === true) return openVersion(root, await requireCurrent(root, folder), { readOnly: true });
  const { release } = await lockIndex(root);
  try {
    // Read under the lock: whoever held it before may have switched.
    return await openVersion(root, await requireCurrent(root, folder), { release });
  } catch (error) {
    await release();
    throw error;
  }
}
