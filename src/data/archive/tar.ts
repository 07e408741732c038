import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { extract, ReadEntry } from 'tar';
import { isSystemError, KindredError, writeError } from '../../core/errors.js';
import { reasonOf } from '../reason.js';
import { createGate, damaged, notThere, type UnpackOptions } from './archive.js';

const fileTypes: ReadonlySet<string> = new Set(['File', 'OldFile', 'ContiguousFile']);

/**
 * Writes the files of a tar archive, gzipped or not, that `place` gives a place, one after the other. Links and devices are passed
 * over, so that nothing can point outside.
 * @param target folder that the places are relative to
 * @throws KindredError file-not-found, archive-damaged naming the entry, disk-full, folder-not-writable, interrupted
 */
export async function unpackTar(archive: string, target: string, options: UnpackOptions): Promise<void> {
  const gate = createGate(archive, options, undefined);
  const stop = new AbortController();
  let refusal: Error | undefined;
  const wanted = (name: string, entry: unknown): boolean => {
    if (!(entry instanceof ReadEntry) || !fileTypes.has(entry.type) || refusal !== undefined) return false;
    try {
      const inside = gate.admit(name.replace(/^(\.\/)+/, ''), entry.size);
      if (inside !== undefined) entry.path = inside;
      return inside !== undefined;
    } catch (error) {
      refusal = error instanceof Error ? error : new Error(String(error));
      stop.abort();
      return false;
    }
  };
  try {
    await mkdir(target, { recursive: true });
    const unpacker = extract({ cwd: target, strict: true, preserveOwner: false, filter: wanted });
    await pipeline(createReadStream(archive), unpacker, { signal: AbortSignal.any([options.signal, stop.signal]) });
  } catch (error) {
    if (refusal !== undefined) throw refusal;
    if (options.signal.aborted) throw new KindredError('interrupted', 'stopped; nothing was written', { cause: error });
    if (isSystemError(error, 'ENOENT')) throw notThere(archive, error);
    const written = writeError(error, target);
    throw written instanceof KindredError ? written : damaged(archive, reasonOf(error), error);
  }
  if (refusal !== undefined) throw refusal;
}
