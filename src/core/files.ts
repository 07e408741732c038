import { randomBytes } from 'node:crypto';
import { access, mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isSystemError, KindredError, writeError } from './errors.js';

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Forces a file to the disk, or a folder's list of names. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
}

/**
 * Writes a file so that a reader sees the old content or the new, never a part: temporary file, fsync, rename, fsync
 * of the folder.
 * @throws KindredError disk-full, folder-not-writable
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  { mode = 0o666 }: { readonly mode?: number } = {},
): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(temporary, 'w', mode);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFile(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(error, path);
  }
}

/**
 * Builds a folder beside its final place and moves it there when `fill` has succeeded. What was there is replaced, and
 * is untouched on failure.
 * @throws KindredError disk-full, folder-not-writable, and whatever `fill` throws
 */
export async function writeFolderAtomic(path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryBeside(path);
  const previous = `${temporary}.old`;
  let moved = false;
  try {
    await mkdir(temporary, { recursive: true });
    await fill(temporary);
    await syncFile(temporary);
    const replaced = await exists(path);
    if (replaced) await rename(path, previous);
    await rename(temporary, path);
    moved = true;
    await syncFile(dirname(path));
  } catch (error) {
    // In its place, but not for certain: who is told that it failed must not find it there.
    if (moved) await rm(path, { recursive: true, force: true }).catch(() => undefined);
    if (!(await exists(path)) && (await exists(previous))) await rename(previous, path);
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw writeError(error, path);
  }
  await rm(previous, { recursive: true, force: true });
}

/** Names in a folder, or none when the folder is not there. */
export async function listFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
}

/**
 * Parses a JSON file. The result is `unknown`: give it to a zod schema.
 * @throws KindredError file-not-found, file-unreadable, invalid-json
 */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const missing = isSystemError(error, 'ENOENT') || isSystemError(error, 'ENOTDIR');
    throw new KindredError(
      missing ? 'file-not-found' : 'file-unreadable',
      `${missing ? 'there is no file' : 'cannot read'} ${path}`,
      { cause: error },
    );
  }
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch (error) {
    throw new KindredError('invalid-json', `${path} is not valid JSON`, { cause: error });
  }
}
