import { join } from 'node:path';
import { KindredError } from '../core/errors.js';
import { sha256 } from '../core/hashing.js';
import type { ReportProgress } from '../core/progress.js';
import { mapConcurrent } from './concurrency.js';
import { decodeImage, setDecoderThreads } from './decode.js';
import { readImageBytes, unnamedImage } from './image-source.js';
import { hashedSize, perceptualHash } from './perceptual-hash.js';

/** What a look at an image file found: hashes of its bytes and of what it shows, or what is wrong with it. */
export type Examined =
  | {
      readonly ok: true;
      /** Lower-case hex SHA-256 of the bytes. */
      readonly hash: string;
      /** As `perceptualHash` gives it. */
      readonly perceptual: string | null;
    }
  | { readonly ok: false; readonly error: KindredError };

async function examine(path: string): Promise<Examined> {
  try {
    const bytes = await readImageBytes({ path });
    // Small: only whether the file decodes to its end matters, and the hash, which needs no more.
    const decoded = await decodeImage({ bytes }, { size: hashedSize });
    return { ok: true, hash: sha256(bytes), perceptual: perceptualHash(decoded) };
  } catch (error) {
    if (error instanceof KindredError) return { ok: false, error };
    throw error;
  }
}

/**
 * Decodes every image to its end, several at a time.
 * @param paths relative to root; results come in their order
 * @throws KindredError interrupted
 */
export async function examineImages(
  root: string,
  paths: readonly string[],
  options: { readonly progress: ReportProgress; readonly signal: AbortSignal },
): Promise<Examined[]> {
  setDecoderThreads(1);
  const report = (done: number): void => options.progress({ stage: 'checking', done, total: paths.length });
  return mapConcurrent(paths, (path) => examine(join(root, path)), { signal: options.signal, done: report });
}

/** 'the data sent is empty (0 bytes)' → 'is empty (0 bytes)': the path is told beside it. */
export function reasonWithoutName(error: KindredError): string {
  return error.message.startsWith(`${unnamedImage} `) ? error.message.slice(unnamedImage.length + 1) : error.message;
}
