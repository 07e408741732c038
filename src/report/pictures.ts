import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { maxPixels } from '../core/images.js';
import { readImageBytes } from '../data/image-source.js';
import type { ModelMap } from './data.js';

const white = { r: 255, g: 255, b: 255 };

async function opened(root: string, path: string): Promise<Sharp> {
  const bytes = await readImageBytes({ path: join(root, path) });
  return sharp(bytes, { limitInputPixels: maxPixels }).autoOrient().flatten({ background: white });
}

/** A thumbnail of at most `size` px each way, as a data: URL; null when the picture cannot be read. */
export async function thumbnail(root: string, path: string, size = 112): Promise<string | null> {
  try {
    const picture = await opened(root, path);
    const bytes = await picture.resize(size, size, { fit: 'inside', withoutEnlargement: true }).jpeg({ quality: 72 }).toBuffer(); // prettier-ignore
    return `data:image/jpeg;base64,${bytes.toString('base64')}`;
  } catch {
    return null;
  }
}

/** All pictures in one, in rows, so that the page has a picture for every point of the map. Unreadable ones stay white. */
export async function contactSheet(root: string, paths: readonly string[], tile = 44): Promise<ModelMap['sheet']> {
  const columns = Math.max(1, Math.ceil(Math.sqrt(paths.length)));
  const rows = Math.max(1, Math.ceil(paths.length / columns));
  const width = columns * tile;
  const sheet = Buffer.alloc(width * rows * tile * 3, 255);
  for (const [i, path] of paths.entries()) {
    const pixels = await opened(root, path)
      .then((picture) => picture.resize(tile, tile, { fit: 'cover' }).toColourspace('srgb').raw().toBuffer())
      .catch(() => undefined);
    if (pixels?.length !== tile * tile * 3) continue;
    const [left, top] = [(i % columns) * tile, Math.floor(i / columns) * tile];
    for (let row = 0; row < tile; row++)
      pixels.copy(sheet, ((top + row) * width + left) * 3, row * tile * 3, (row + 1) * tile * 3);
  }
  const bytes = await sharp(sheet, { raw: { width, height: rows * tile, channels: 3 }, limitInputPixels: false })
    .jpeg({ quality: 68 })
    .toBuffer();
  return { url: `data:image/jpeg;base64,${bytes.toString('base64')}`, columns, tile };
}
