import { closeSync, fsyncSync, openSync, readSync, rmSync, statfsSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import hnswlib from 'hnswlib-node';
import { z } from 'zod';
import { KindredError, writeError } from '../../core/errors.js';
import { exists, readJson, writeFileAtomic } from '../../core/files.js';
import { sha256File } from '../../core/hashing.js';
import { isIntact, seal } from '../../core/sealed.js';
import { graphFile, graphFormat, graphInfoFile } from './format.js';

const infoSchema = z.object({
  formatVersion: z.literal(graphFormat),
  sha256: z.string(),
  /** Points in the file, deleted ones included. */
  count: z.number().int(),
  dimension: z.number().int(),
  m: z.number().int(),
  efConstruction: z.number().int(),
  /** The catalogue that the graph was made from, and its last change then. */
  catalogue: z.string(),
  changeNumber: z.number().int(),
  changeStamp: z.number().int(),
});
export type GraphInfo = Omit<z.infer<typeof infoSchema>, 'formatVersion' | 'sha256'>;

export type GraphLoad =
  | { readonly ok: true; readonly index: hnswlib.HierarchicalNSW; readonly info: GraphInfo }
  | { readonly ok: false; readonly reason: string };

/**
 * Loads the cached graph if, and only if, it is what graph.json says. hnswlib crashes the process on a damaged file, so
 * its checksum is compared before hnswlib sees it.
 */
export async function loadGraph(folder: string): Promise<GraphLoad> {
  const path = join(folder, graphFile);
  const infoPath = join(folder, graphInfoFile);
  if (!(await exists(infoPath))) return { ok: false, reason: `there is no ${graphInfoFile}` };
  const json = await readJson(infoPath).catch(() => undefined);
  const parsed = infoSchema.safeParse(json);
  if (!parsed.success || !isIntact(json)) return { ok: false, reason: `${graphInfoFile} is damaged` };
  if (!(await exists(path))) return { ok: false, reason: `there is no ${graphFile}` };
  if ((await sha256File(path)) !== parsed.data.sha256) {
    return { ok: false, reason: `${graphFile} does not have the checksum in ${graphInfoFile}` };
  }
  const index = new hnswlib.HierarchicalNSW('l2', parsed.data.dimension);
  index.readIndexSync(path);
  return { ok: true, index, info: parsed.data };
}

const headerBytes = 96;

/**
 * Walks the file hnswlib wrote: header, points, then each point's upper links. hnswlib reports no error when a disk
 * fills up, so this is how a cut-off file is noticed.
 */
function isWhole(path: string, count: number): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size < headerBytes) return false;
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
    const header = Buffer.alloc(headerBytes);
    readSync(file, header, 0, headerBytes, 0);
    if (Number(header.readBigUInt64LE(16)) !== count) return false;
    const tailStart = headerBytes + count * Number(header.readBigUInt64LE(24));
    if (tailStart > size) return false;
    const tail = Buffer.alloc(size - tailStart);
    readSync(file, tail, 0, tail.length, tailStart);
    let offset = 0;
    for (let i = 0; i < count; i++) {
      if (offset + 4 > tail.length) return false;
      offset += 4 + tail.readUInt32LE(offset);
    }
    return offset === tail.length;
  } finally {
    closeSync(file);
  }
}

function failedWrite(folder: string, path: string): KindredError {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < 64 * 1024 * 1024) {
    return new KindredError('disk-full', `no space left to write ${path}`, {
      hint: 'Free some space; the catalogue is safe, and its graph is built again at the next start.',
    });
  }
  return new KindredError('folder-not-writable', `cannot write ${path}`, { hint: 'Check the folder’s permissions.' });
}

/**
 * Writes the graph beside its place, then renames it and describes it in graph.json. Only the first step, in which
 * hnswlib writes the file, blocks the thread.
 * @throws KindredError disk-full, folder-not-writable
 */
export async function saveGraph(folder: string, index: hnswlib.HierarchicalNSW, info: GraphInfo): Promise<void> {
  const path = join(folder, graphFile);
  const temporary = join(dirname(path), `.${graphFile}.tmp`);
  try {
    index.writeIndexSync(temporary);
    if (!isWhole(temporary, info.count)) throw failedWrite(folder, path);
    const sha256 = await sha256File(temporary);
    await rename(temporary, path);
    await writeFileAtomic(
      join(folder, graphInfoFile),
      `${JSON.stringify(seal({ formatVersion: graphFormat, sha256, ...info }), undefined, 2)}\n`,
    );
  } catch (error) {
    rmSync(temporary, { force: true });
    throw writeError(error, path);
  }
}

/** Bytes of the files named, where they exist. */
export function bytesOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}
