import { join, resolve } from 'node:path';
import { KindredError } from '../../core/errors.js';
import { unknownName } from '../../core/registry.js';
import { loadDataset } from '../../data/dataset-folder.js';
import { splitNames } from '../../data/dataset.js';
import { imagesLookedFor, nothingFound, scanImages } from '../../data/scan.js';
import type { SkippedItem, SourceItem } from '../../indexing/sync-types.js';

export interface SourceOptions {
  readonly data?: string | undefined;
  readonly images?: string | undefined;
  readonly split?: string | undefined;
}

export interface Source {
  readonly items: readonly SourceItem[];
  /** Files that look like pictures and cannot be indexed. */
  readonly skipped: readonly SkippedItem[];
}

async function datasetSource(folder: string, split: string | undefined): Promise<Source> {
  if (split !== undefined && !splitNames.some((name) => name === split)) {
    throw unknownName('split', split, splitNames, '--split');
  }
  const dataset = await loadDataset(folder);
  const wanted = dataset.items.filter((item) => split === undefined || item.split === split);
  if (wanted.length === 0) {
    const where = split === undefined ? folder : `split "${split}" of ${folder}`;
    throw new KindredError('dataset-empty', `no items in ${where}`, {
      hint: split === undefined ? 'Prepare it again with kindred data prepare.' : 'Leave --split away to index it all.',
    });
  }
  const items = wanted.map(({ id, label, metadata, path }) => ({
    id,
    label,
    metadata,
    path: join(dataset.root, path),
  }));
  return { items, skipped: [] };
}

/** Ids are paths below the folder; the label is the first folder's name, as in `data prepare folder`. */
async function folderSource(folder: string): Promise<Source> {
  const root = resolve(folder);
  const { images, skipped } = await scanImages(root);
  if (images.length === 0) throw nothingFound(folder, imagesLookedFor);
  const items = images.map((id) => {
    const slash = id.indexOf('/');
    return { id, label: slash < 0 ? null : id.slice(0, slash), metadata: {}, path: join(root, id) };
  });
  return {
    items,
    skipped: skipped.map(({ path, reason }) => ({
      id: path,
      path: join(root, path),
      code: 'image-unsupported' as const,
      message: reason,
    })),
  };
}

/** @throws KindredError usage, dataset-empty, unknown-name, and what reading the data set throws */
export async function readSource({ data, images, split }: SourceOptions): Promise<Source> {
  if ((data === undefined) === (images === undefined)) {
    throw new KindredError('usage', 'give either --data DIR or --images DIR', { hint: 'See kindred index --help.' });
  }
  if (data !== undefined) return datasetSource(data, split);
  if (split !== undefined) throw new KindredError('usage', '--split goes with --data');
  return folderSource(images ?? '');
}
