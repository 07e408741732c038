import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { isSystemError, KindredError } from '../core/errors.js';
import { writeFileAtomic } from '../core/files.js';
import { sha256 } from '../core/hashing.js';

const arraySchema = z.object({ name: z.string(), length: z.number().int().nonnegative() });
const headerSchema = z.object({
  version: z.literal(1),
  /** Steps done. */
  step: z.number().int().nonnegative(),
  /** What the run was started with; resuming under other settings is refused. */
  settings: z.string(),
  best: z.object({ step: z.number(), mapAtR: z.number() }).nullable(),
  history: z.array(z.record(z.string(), z.unknown())),
  arrays: z.array(arraySchema),
});

export interface Checkpoint {
  readonly step: number;
  readonly settings: string;
  readonly best: { readonly step: number; readonly mapAtR: number } | null;
  readonly history: readonly Readonly<Record<string, unknown>>[];
  readonly arrays: ReadonlyMap<string, Float32Array>;
}

const hashBytes = 32;

/**
 * One file, so that it is replaced whole: SHA-256 of all that follows, 4 bytes header length, JSON header, then the floats
 * (little-endian).
 */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const arrays = [...checkpoint.arrays];
  const floats = Buffer.concat(arrays.map(([, data]) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)));
  const header = Buffer.from(
    JSON.stringify({
      ...checkpoint,
      version: 1,
      arrays: arrays.map(([name, data]) => ({ name, length: data.length })),
    }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const hash = Buffer.from(sha256(length, header, floats), 'hex');
  await writeFileAtomic(path, Buffer.concat([hash, length, header, floats]));
}

/** @throws KindredError checkpoint-invalid when the file is damaged or of a newer kindred; null when there is none */
export async function readCheckpoint(path: string): Promise<Checkpoint | null> {
  const invalid = (cause: unknown): KindredError =>
    new KindredError('checkpoint-invalid', `the checkpoint ${path} is damaged`, {
      hint: 'Delete it and train from the start (without --resume).',
      cause,
    });
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null;
    throw invalid(error);
  }
  try {
    const content = bytes.subarray(hashBytes);
    if (sha256(content) !== bytes.toString('hex', 0, hashBytes)) throw new Error('the checksum does not match');
    const end = 4 + content.readUInt32LE(0);
    const header = headerSchema.parse(JSON.parse(content.toString('utf8', 4, end)));
    const floats = Uint8Array.from(content.subarray(end));
    let offset = 0;
    const arrays = header.arrays.map(({ name, length }): [string, Float32Array] => {
      const data = new Float32Array(floats.buffer, offset, length);
      offset += data.byteLength;
      return [name, data.slice()];
    });
    return { ...header, arrays: new Map(arrays) };
  } catch (error) {
    throw invalid(error);
  }
}
