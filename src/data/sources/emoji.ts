import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { sha256 } from '../../core/hashing.js';
import { mapConcurrent } from '../concurrency.js';
import { setDecoderThreads } from '../decode.js';
import type { DatasetSource, Skipped } from '../source.js';
import type { UnsplitItem } from '../split.js';
import { type Drawing, findDrawings } from './emoji/drawings.js';
import { findEmojiPackages } from './emoji/packages.js';

/** Width and height of the rendered drawings, in pixels. */
const size = 160;

/** A drawing as PNG, 160 × 160 pixels, on white. */
export async function renderDrawing(drawing: Drawing): Promise<Buffer> {
  return sharp(await drawing.read())
    .resize(size, size, { fit: 'contain', background: '#fff' })
    .flatten({ background: '#fff' })
    .png({ compressionLevel: 6 })
    .toBuffer();
}

/** Nine design houses' drawings of the same things: a catalogue that comes with npm alone. */
export const emojiSource: DatasetSource = {
  summary: 'nine design houses’ drawings of the same things, out of npm packages',
  async gather({ folder, progress, signal }) {
    const { drawings, credits } = await findDrawings(findEmojiPackages());
    setDecoderThreads(1);
    const root = join(folder, 'images');
    const report = (done: number): void => progress({ stage: 'rendering', done, total: drawings.length });
    const hashes = await mapConcurrent(
      drawings,
      async (drawing) => {
        const png = await renderDrawing(drawing);
        const file = join(root, drawing.thing.slug, `${drawing.house}.png`);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, png);
        return sha256(png);
      },
      { signal, done: report },
    );
    const items: UnsplitItem[] = [];
    const skipped: Skipped[] = [];
    const seen = new Map<string, string>();
    drawings.forEach(({ thing, house }, index) => {
      const path = `${thing.slug}/${house}.png`;
      const hash = hashes[index] ?? '';
      const same = seen.get(hash);
      if (same !== undefined) {
        skipped.push({ path, reason: `the same drawing as ${same}` });
        return;
      }
      seen.set(hash, path);
      items.push({
        id: path,
        path,
        label: thing.label,
        metadata: { category: thing.category, house, name: thing.label },
      });
    });
    const licence = [...new Set(credits.map((credit) => credit.licence))].join(', ');
    return { name: 'emoji', root, items, skipped, licence, credits, verified: true };
  },
};
