import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { KindredError } from '../../core/errors.js';
import { createRandom, shuffled } from '../../core/random.js';
import { loadDataset } from '../../data/dataset-folder.js';

const width = 640;
const height = 480;
/** The noise is made this many times smaller and enlarged: photos are smooth at the scale of single pixels. */
const coarseness = 4;

/**
 * Writes JPEG pictures that cost a decoder about what photos do: a colour gradient under coarse noise, 640 × 480,
 * about 90 kB each. The same seed gives the same pictures.
 * @returns their paths
 */
export async function makePictures(folder: string, count: number, seed = 1): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (let index = 0; index < count; index++) {
    const random = createRandom('bench', seed, index);
    const [w, h] = [width / coarseness, height / coarseness];
    const tint = [random(), random(), random()];
    const raw = Uint8Array.from({ length: w * h * 3 }, (_, i) => {
      const along = (Math.floor(i / 3) % w) / w;
      return 255 * (0.35 * random() + 0.65 * Math.abs((tint[i % 3] ?? 0) - along));
    });
    const path = join(folder, `${index}.jpg`);
    const picture = sharp(raw, { raw: { width: w, height: h, channels: 3 } }).resize(width, height, {
      kernel: 'cubic',
    });
    await picture.jpeg({ quality: 90 }).toFile(path);
    paths.push(path);
  }
  return paths;
}

/** `count` pictures of a data set, drawn with a fixed seed. @throws KindredError dataset-* */
export async function dataPictures(folder: string, count: number): Promise<string[]> {
  const { items, root } = await loadDataset(folder);
  const paths = items.map(({ path }) => join(root, path));
  if (paths.length === 0) throw new KindredError('dataset-empty', `${folder} has no pictures`);
  return shuffled(paths, createRandom('bench')).slice(0, count);
}
