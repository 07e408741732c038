import { open } from 'node:fs/promises';
import { isSystemError } from '../../core/errors.js';
import { damaged, notThere, type UnpackOptions } from './archive.js';
import { unpackTar } from './tar.js';
import { unpackZip } from './zip.js';

async function firstBytes(path: string): Promise<Buffer> {
  try {
    const handle = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) throw notThere(path, error);
    throw damaged(path, 'cannot be read', error);
  }
}

/**
 * Unpacks a zip, tar or gzipped tar archive, told apart by its first bytes.
 * @param target folder that the places are relative to
 * @throws KindredError file-not-found, archive-damaged naming the entry, disk-full, folder-not-writable, interrupted
 */
export async function unpackArchive(archive: string, target: string, options: UnpackOptions): Promise<void> {
  const head = await firstBytes(archive);
  const text = head.toString('latin1');
  if (text.startsWith('PK')) return unpackZip(archive, target, options);
  if (text.startsWith('\x1f\x8b') || text.slice(257, 262) === 'ustar') return unpackTar(archive, target, options);
  throw damaged(archive, head.length === 0 ? 'is empty' : 'is no zip or tar archive');
}
