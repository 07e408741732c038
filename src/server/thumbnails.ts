import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import { KindredError } from '../core/errors.js';
import { maxPixels } from '../core/images.js';
import type { CatalogueItem } from '../indexing/catalogue.js';
import { createByteCache } from './byte-cache.js';
import { createLimiter } from './limiter.js';
import { openPicture } from './picture-file.js';

export interface ThumbnailOptions {
  /** Pixels; a narrower picture is not enlarged. */
  readonly width: number;
  readonly format: 'webp' | 'jpeg';
}

export interface Thumbnails {
  /** @throws KindredError image-missing, image-unsupported, image-unreadable, overloaded */
  get(item: CatalogueItem, options: ThumbnailOptions): Promise<Buffer>;
}

const quality = 80;
/** A page of results asks for many at once; beyond this something is wrong. */
const mostWaiting = 1000;

/** From memory, not from the path: libvips' loaders for files are switched off where uploads are decoded. */
async function readPicture(item: CatalogueItem): Promise<Buffer> {
  const { file, type } = await openPicture(item);
  try {
    if (type !== undefined) return await file.readFile();
  } finally {
    await file.close();
  }
  throw new KindredError('image-unsupported', `no thumbnail can be made of the picture of item "${item.id}"`);
}

async function make(item: CatalogueItem, { width, format }: ThumbnailOptions): Promise<Buffer> {
  const bytes = await readPicture(item);
  try {
    const picture = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' })
      .autoOrient()
      .resize({ width, withoutEnlargement: true });
    const encoded =
      format === 'webp' ? picture.webp({ quality }) : picture.flatten({ background: '#fff' }).jpeg({ quality });
    return await encoded.toBuffer();
  } catch (error) {
    throw new KindredError('image-unreadable', `the stored picture of item "${item.id}" cannot be read`, {
      cause: error,
    });
  }
}

/**
 * Makes small pictures and remembers the last ones used, up to `cacheBytes`. sharp works on libuv's threads, which
 * queries need for their own decoding: hence at most half of the cores at a time.
 */
export function createThumbnails(cacheBytes: number): Thumbnails {
  const cache = createByteCache(cacheBytes);
  const making = new Map<string, Promise<Buffer>>();
  const limiter = createLimiter({
    what: 'thumbnails',
    running: Math.max(1, Math.floor(availableParallelism() / 2)),
    waiting: mostWaiting,
  });
  return {
    async get(item, options) {
      const key = `${item.contentHash}/${options.width}/${options.format}`;
      const kept = cache.get(key) ?? (await making.get(key));
      if (kept !== undefined) return kept;
      const made = limiter.run(() => make(item, options));
      making.set(key, made);
      try {
        const buffer = await made;
        cache.set(key, buffer);
        return buffer;
      } finally {
        making.delete(key);
      }
    },
  };
}
