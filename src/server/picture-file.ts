import { open, type FileHandle } from 'node:fs/promises';
import { KindredError, isSystemError } from '../core/errors.js';
import type { CatalogueItem } from '../indexing/catalogue.js';

/** An open picture; whoever opened it closes `file`. */
export interface PictureFile {
  readonly file: FileHandle;
  /** Bytes. */
  readonly size: number;
  /** Its media type; undefined when it is none that is safe to show and to decode. */
  readonly type: string | undefined;
}

const signatureBytes = 32;

/** By the first bytes, whatever the name says. SVG is not among them: it may carry scripts. */
function mediaType(start: Uint8Array): string | undefined {
  const text = Buffer.from(start).toString('latin1');
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'image/gif';
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'image/webp';
  if (text.slice(4, 8) === 'ftyp' && /avi[fs]/.test(text.slice(8))) return 'image/avif';
  return undefined;
}

function imageMissing(id: string, cause?: unknown): KindredError {
  return new KindredError('image-missing', `item "${id}" has no picture, or it is no longer where it was`, { cause });
}

/** Opens the stored picture of an item. @throws KindredError image-missing */
export async function openPicture({ id, imagePath }: CatalogueItem): Promise<PictureFile> {
  if (imagePath === null) throw imageMissing(id);
  const file = await open(imagePath, 'r').catch((error: unknown) => {
    // Too many open files is our trouble, not the picture's.
    throw isSystemError(error, 'EMFILE') || isSystemError(error, 'ENFILE') ? error : imageMissing(id, error);
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw imageMissing(id);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(signatureBytes), 0, signatureBytes, 0);
    return { file, size: stat.size, type: mediaType(buffer.subarray(0, bytesRead)) };
  } catch (error) {
    await file.close();
    throw error;
  }
}
