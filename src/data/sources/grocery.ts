import { join } from 'node:path';
import { KindredError } from '../../core/errors.js';
import { exists } from '../../core/files.js';
import { readCsv, requireColumns } from '../csv.js';
import { nothingFound, scanImages } from '../scan.js';
import type { DatasetSource, Gathered } from '../source.js';
import type { UnsplitItem } from '../split.js';
import { downloadGrocery } from './grocery-download.js';

const about = {
  name: 'grocery',
  licence: 'MIT',
  citation:
    'M. Klasson, C. Zhang, H. Kjellström: A Hierarchical Grocery Store Image Dataset with Visual and Semantic Labels. WACV 2019.',
  credits: [
    {
      name: 'Grocery Store Dataset',
      author: 'Marcus Klasson',
      licence: 'MIT',
      url: 'https://github.com/marcusklasson/GroceryStoreDataset',
    },
  ],
} as const;

/** What a copy with a manifest.csv holds: path,label,category,source. */
async function readManifestLayout(root: string): Promise<Gathered> {
  const path = join(root, 'manifest.csv');
  const table = await readCsv(path);
  requireColumns(table, path, ['path', 'label', 'category', 'source']);
  const items = table.rows.map(({ values }): UnsplitItem => {
    const { path: file = '', label = '', category = '', source = '' } = values;
    return { id: file, path: file, label: label || null, metadata: { category, source }, iconic: source === 'iconic' };
  });
  if (items.length === 0) throw nothingFound(path, 'rows below the header row');
  return { ...about, root, items, skipped: [] };
}

const parts = ['train', 'val', 'test'] as const;
const iconicFolder = 'iconic-images-and-descriptions';

/**
 * The repository as published: <part>/<kind>/[<coarse class>/]<class>/*.jpg, so the class is the folder that holds the
 * picture; classes.csv says which coarse class it belongs to.
 */
async function readOfficialLayout(root: string): Promise<Gathered> {
  const classesPath = join(root, 'classes.csv');
  const table = await readCsv(classesPath);
  const [name, coarse] = ['Class Name (str)', 'Coarse Class Name (str)'];
  requireColumns(table, classesPath, [name, coarse]);
  const categories = new Map(table.rows.map(({ values }) => [values[name] ?? '', values[coarse] ?? '']));
  const items: UnsplitItem[] = [];
  for (const part of [...parts, iconicFolder]) {
    if (!(await exists(join(root, part)))) continue;
    const iconic = part === iconicFolder;
    for (const image of (await scanImages(join(root, part))).images) {
      const label = image.split('/').at(-2);
      if (label === undefined) continue;
      const path = `${part}/${image}`;
      const category = categories.get(label) ?? label;
      items.push({ id: path, path, label, metadata: { category, source: iconic ? 'iconic' : part }, iconic });
    }
  }
  if (items.length === 0) throw nothingFound(root, `images in ${parts.join(', ')} and ${iconicFolder}`);
  return { ...about, root, items, skipped: [] };
}

/** Where in `folder` the photos are, in either layout. */
async function readEither(folder: string): Promise<Gathered> {
  if (await exists(join(folder, 'manifest.csv'))) return readManifestLayout(folder);
  for (const root of [join(folder, 'dataset'), folder]) {
    if (await exists(join(root, 'classes.csv'))) return readOfficialLayout(root);
  }
  if (!(await exists(folder))) {
    throw new KindredError('file-not-found', `there is no folder ${folder}`, {
      hint: 'Check the path.',
      field: '--from',
    });
  }
  throw nothingFound(folder, 'manifest.csv, or dataset/classes.csv as in the published repository');
}

/** Photos of 81 products in stores, and one iconic picture of each. */
export const grocerySource: DatasetSource = {
  summary: 'photos of 81 products in stores (Grocery Store Dataset)',
  from: { what: 'a local copy; without it, the published archive is downloaded', required: false },
  async gather({ from, folder, progress, signal }) {
    if (from !== undefined) return readEither(from);
    const images = join(folder, 'images');
    await downloadGrocery(images, { progress, signal });
    return readEither(images);
  },
};
