import { readFile } from 'node:fs/promises';
import { isSystemError, KindredError } from '../core/errors.js';
import type { ImageSource } from '../core/images.js';

/** How messages name an image that came as bytes. */
export const unnamedImage = 'the data sent';

/** How messages name an image: its path, or `unnamedImage` for bytes. */
export function describeSource(source: ImageSource): string {
  return 'path' in source ? source.path : unnamedImage;
}

/**
 * The encoded bytes of an image. Files are always read here and never opened by the decoder, whose cache could hand out
 * what a path held before it was overwritten.
 * @throws KindredError image-missing when there is no such file, image-unreadable when it cannot be read
 */
export async function readImageBytes(source: ImageSource): Promise<Uint8Array> {
  if ('bytes' in source) return source.bytes;
  try {
    return await readFile(source.path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT') || isSystemError(error, 'ENOTDIR')) {
      throw new KindredError('image-missing', `there is no file ${source.path}`, { cause: error });
    }
    throw new KindredError('image-unreadable', `${source.path} cannot be read`, {
      hint: 'Check that it is a file and its permissions.',
      cause: error,
    });
  }
}
