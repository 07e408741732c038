import { lstat, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError, KindredError, writeError } from '../../core/errors.js';
import { exists, listFolder, syncFile, writeFileAtomic } from '../../core/files.js';

/** INDEX/versions/N. */
export function versionFolder(root: string, number: number): string {
  return join(root, 'versions', String(number));
}

/** The number of the version that `current` names: a symbolic link, or a text file where links cannot be made. */
export async function currentVersion(root: string): Promise<number | undefined> {
  const path = join(root, 'current');
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
  return Number(number);
}

/**
 * Switches to another version at one instant: a reader finds the old one or the new one. Only under the index's lock.
 * @throws KindredError disk-full, folder-not-writable
 */
export async function setCurrent(root: string, number: number): Promise<void> {
  const before = await currentVersion(root);
  await pointTo(root, number);
  try {
    await syncFile(root);
  } catch (error) {
    // Who is told that it failed takes the new version away: then nothing may name it.
    if (before !== undefined) await pointTo(root, before);
    else await rm(join(root, 'current'), { force: true });
    throw writeError(error, join(root, 'current'));
  }
}

async function pointTo(root: string, number: number): Promise<void> {
  const path = join(root, 'current');
  const target = join('versions', String(number));
  const temporary = join(root, '.current.tmp');
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

/** The versions that were completed, oldest first. */
export async function completeVersions(root: string): Promise<number[]> {
  const numbers: number[] = [];
  for (const name of await listFolder(join(root, 'versions'))) {
    if (/^\d+$/.test(name) && (await exists(join(root, 'versions', name, 'index.json')))) numbers.push(Number(name));
  }
  return numbers.sort((a, b) => a - b);
}

/** Clears away what interrupted creations left, never a version that was complete, and gives the next number. */
export async function nextVersion(root: string): Promise<number> {
  const complete = await completeVersions(root);
  const versions = join(root, 'versions');
  for (const name of await listFolder(versions)) {
    if (!complete.includes(Number(name))) await rm(join(versions, name), { recursive: true, force: true });
  }
  return (complete.at(-1) ?? 0) + 1;
}
