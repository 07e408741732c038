import { cp, lstat, mkdir, open, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { isSystemError, KindredError, writeError } from '../core/errors.js';
import { exists, listFolder, readJson, writeFileAtomic, writeFolderAtomic } from '../core/files.js';
import { version } from '../core/version.js';
import { type EmbeddedCatalogue, openEmbeddedCatalogue } from './embedded/embedded-catalogue.js';
import { lockIndex } from './index-lock.js';

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

export interface OpenedIndex {
  readonly catalogue: EmbeddedCatalogue;
  /** The index folder, absolute. */
  readonly folder: string;
  /** The version in use: INDEX/versions/N, absolute. */
  readonly versionFolder: string;
  /** Its copy of the model bundle. */
  readonly modelFolder: string;
  /** Closes the catalogue and frees the lock. */
  close(): Promise<void>;
}

export interface CreateIndexOptions {
  /** The model bundle, which is copied into the index. */
  readonly bundleFolder: string;
  readonly fingerprint: string;
  readonly dimension: number;
}

/** INDEX/versions/N that `current` points to: a symbolic link, or a text file where links cannot be made. */
async function currentVersion(folder: string): Promise<string | undefined> {
  const path = join(folder, 'current');
  let target: string;
  try {
    target = (await lstat(path)).isSymbolicLink() ? await readlink(path) : (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (isSystemError(error, 'ENOENT') || isSystemError(error, 'ENOTDIR')) return undefined;
    throw new KindredError('file-unreadable', `cannot read ${path}`, { cause: error });
  }
  const number = /^versions[\\/](\d+)[\\/]?$/.exec(target)?.[1];
  if (number === undefined) {
    throw new KindredError('index-damaged', `${path} points to "${target}", not to a version of the index`, {
      hint: 'Point it to the newest folder in versions/, as in: ln -sfn versions/1 current',
    });
  }
  return join(folder, 'versions', number);
}

async function setCurrent(folder: string, number: number): Promise<void> {
  const path = join(folder, 'current');
  const target = join('versions', String(number));
  const temporary = join(folder, '.current.tmp');
  try {
    await rm(temporary, { force: true });
    await symlink(target, temporary, 'dir');
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    const unlinkable = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].some((code) => isSystemError(error, code));
    if (!unlinkable) throw writeError(error, path);
    await writeFileAtomic(path, `${target}\n`);
  }
}

/**
 * What the index in `folder` was made with, or undefined when there is none.
 * @throws KindredError index-damaged, index-too-new, file-unreadable
 */
export async function readIndexInfo(folder: string): Promise<IndexInfo | undefined> {
  const versionFolder = await currentVersion(resolve(folder));
  if (versionFolder === undefined) return undefined;
  const path = join(versionFolder, 'index.json');
  const json = await readJson(path).catch((error: unknown) => error);
  const parsed = infoSchema.safeParse(json);
  if (!parsed.success) {
    throw new KindredError('index-damaged', `${path} is missing or damaged`, {
      hint: 'Move the index folder away and run kindred index again; the pictures are not touched.',
      cause: json instanceof Error ? json : parsed.error,
    });
  }
  if (parsed.data.layoutVersion > layoutVersion) {
    throw new KindredError('index-too-new', `the index ${folder} was made by kindred ${parsed.data.kindred}`, {
      hint: 'Update kindred, or index again into another folder.',
    });
  }
  return parsed.data;
}

async function openVersion(
  folder: string,
  versionFolder: string,
  release: () => Promise<void>,
  options: { readonly readOnly: boolean },
): Promise<OpenedIndex> {
  const catalogue = await openEmbeddedCatalogue({ folder: versionFolder, readOnly: options.readOnly });
  const modelFolder = join(versionFolder, 'model');
  return {
    catalogue,
    folder,
    versionFolder,
    modelFolder,
    async close() {
      try {
        await catalogue.close();
      } finally {
        await release();
      }
    },
  };
}

/**
 * Opens an index. To write it, this process becomes its only writer; `readOnly` takes no lock and sees the index as it
 * is now, also while another process writes it.
 * @throws KindredError index-missing, index-locked, index-damaged, index-too-new, folder-not-writable
 */
export async function openIndex(folder: string, options: { readonly readOnly?: boolean } = {}): Promise<OpenedIndex> {
  const root = resolve(folder);
  const readOnly = options.readOnly ?? false;
  const info = await readIndexInfo(root);
  const versionFolder = await currentVersion(root);
  if (info === undefined || versionFolder === undefined) {
    throw new KindredError('index-missing', `there is no index in ${folder}`, {
      hint: `Make one: kindred index --model MODEL --images DIR --out ${folder}`,
    });
  }
  const release = readOnly ? () => Promise.resolve() : (await lockIndex(root)).release;
  try {
    const opened = await openVersion(root, versionFolder, release, { readOnly });
    if (opened.catalogue.fingerprint === info.fingerprint) return opened;
    await opened.catalogue.close();
    throw new KindredError('index-damaged', `index.json and catalogue.db in ${versionFolder} name different models`, {
      hint: 'Move the index folder away and run kindred index again; the pictures are not touched.',
    });
  } catch (error) {
    await release();
    throw error;
  }
}

/** @throws KindredError output-exists: something else lives in the folder */
async function refuseForeignFolder(root: string, folder: string): Promise<void> {
  const ours = /^(versions|lock\.(db|txt)(-journal)?|\.current\.tmp)$/;
  const foreign = (await listFolder(root)).find((name) => !ours.test(name));
  if (foreign === undefined) return;
  const isIndex = foreign === 'current';
  throw new KindredError('output-exists', `${folder} ${isIndex ? 'is an index already' : 'holds other files'}`, {
    hint: isIndex ? 'Open it instead.' : 'Choose a new or an empty folder with --out.',
  });
}

/** Clears away what interrupted creations left, never a version that was complete. */
async function nextVersion(versions: string): Promise<number> {
  let last = 0;
  for (const name of await listFolder(versions)) {
    if (await exists(join(versions, name, 'index.json'))) last = Math.max(last, Number(name) || 0);
    else await rm(join(versions, name), { recursive: true, force: true });
  }
  return last + 1;
}

async function copyBundle(from: string, to: string): Promise<void> {
  await writeFolderAtomic(to, async (temporary) => {
    await cp(from, temporary, { recursive: true, dereference: true });
    for (const name of await listFolder(temporary)) {
      const file = await open(join(temporary, name), 'r');
      await file.sync();
      await file.close();
    }
  });
}

/**
 * Makes an empty index and opens it for writing. `current` is set last, when the model's copy and the empty catalogue are
 * there; an interrupted creation leaves nothing that counts, and the next one clears it away.
 * @throws KindredError output-exists, index-locked, folder-not-writable, disk-full
 */
export async function createIndex(folder: string, options: CreateIndexOptions): Promise<OpenedIndex> {
  const root = resolve(folder);
  await refuseForeignFolder(root, folder);
  const { release } = await lockIndex(root);
  try {
    // Again, now that nobody else can: another process may have been quicker.
    await refuseForeignFolder(root, folder);
    const number = await nextVersion(join(root, 'versions'));
    const versionFolder = join(root, 'versions', String(number));
    await mkdir(versionFolder, { recursive: true });
    const { bundleFolder, fingerprint, dimension } = options;
    await copyBundle(bundleFolder, join(versionFolder, 'model'));
    const empty = await openEmbeddedCatalogue({ folder: versionFolder, create: { fingerprint, dimension } });
    await empty.close();
    const info: IndexInfo = {
      layoutVersion,
      fingerprint,
      dimension,
      createdAt: new Date().toISOString(),
      kindred: version,
    };
    await writeFileAtomic(join(versionFolder, 'index.json'), `${JSON.stringify(info, undefined, 2)}\n`);
    await setCurrent(root, number);
    return await openVersion(root, versionFolder, release, { readOnly: false });
  } catch (error) {
    await release();
    throw writeError(error, folder);
  }
}

/** Takes away an index that `createIndex` has just made and nothing was put into. Call after closing it. */
export async function removeIndex(folder: string): Promise<void> {
  const root = resolve(folder);
  for (const name of ['current', 'versions', 'lock.db', 'lock.txt']) {
    await rm(join(root, name), { recursive: true, force: true });
  }
  if ((await exists(root)) && (await listFolder(root)).length === 0) await rm(root, { recursive: true });
}
