import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { isSystemError, KindredError, writeError } from '../../core/errors.js';
import { reasonOf } from '../reason.js';
import { createGate, damaged, type Gate, notThere, type UnpackOptions } from './archive.js';

async function open(archive: string): Promise<ZipFile> {
  try {
    return await openPromise(archive);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) throw notThere(archive, error);
    throw damaged(archive, `is not a zip archive that can be read (${reasonOf(error)})`, error);
  }
}

async function unpackEntry(
  zip: ZipFile,
  entry: Entry,
  archive: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  if (entry.isEncrypted()) {
    throw new KindredError('archive-damaged', `${archive}: ${entry.fileName} is encrypted`, {
      hint: 'Unpack the archive with its password, and give the folder: --from FOLDER',
      field: '--from',
    });
  }
  let checksum = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      checksum = crc32(chunk, checksum);
      done(null, chunk);
    },
  });
  try {
    await pipeline(await zip.openReadStreamPromise(entry), check, createWriteStream(path), { signal });
  } catch (error) {
    if (signal.aborted) throw new KindredError('interrupted', 'stopped; nothing was written', { cause: error });
    const written = writeError(error, path);
    throw written instanceof KindredError ? written : damaged(archive, `${entry.fileName}: ${reasonOf(error)}`, error);
  }
  if (checksum !== entry.crc32) throw damaged(archive, `${entry.fileName}: its checksum is not the one in the archive`);
}

async function unpackEntries(
  zip: ZipFile,
  archive: string,
  target: string,
  gate: Gate,
  signal: AbortSignal,
): Promise<void> {
  const folders = new Set<string>();
  const entries = zip.eachEntry();
  for (;;) {
    // Only what yauzl itself finds wrong is the archive's fault; the rest has its own message.
    const next = await entries.next().catch((error: unknown) => {
      throw damaged(archive, reasonOf(error), error);
    });
    if (next.done) return;
    const { value: entry } = next;
    if (entry.fileName.endsWith('/')) continue;
    const inside = gate.admit(entry.fileName, entry.uncompressedSize);
    if (inside === undefined) continue;
    const path = join(target, inside);
    if (!folders.has(dirname(path))) await mkdir(dirname(path), { recursive: true });
    folders.add(dirname(path));
    await unpackEntry(zip, entry, archive, path, signal);
  }
}

/**
 * Writes the files of a zip archive that `place` gives a place, one after the other, never holding one in memory. Sizes
 * and checksums are verified; links become plain files, so that nothing can point outside.
 * @param target folder that the places are relative to
 * @throws KindredError file-not-found, archive-damaged naming the entry, disk-full, folder-not-writable, interrupted
 */
export async function unpackZip(archive: string, target: string, options: UnpackOptions): Promise<void> {
  const zip = await open(archive);
  try {
    await unpackEntries(zip, archive, target, createGate(archive, options, zip.entryCount), options.signal);
  } finally {
    zip.close();
  }
}
