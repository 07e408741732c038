import { join } from 'node:path';
import type { Embedder } from '../../core/embedder.js';
import { writeFileAtomic } from '../../core/files.js';
import type { ReportProgress } from '../../core/progress.js';
import { seal } from '../../core/sealed.js';
import { itemsByLabel, type Dataset, type DatasetItem, type SplitName } from '../../data/dataset.js';
import { calibrationFile, type Calibration } from '../../model/calibration.js';
import { embedItems } from '../embed-items.js';
import { calibrate, type LabelledSet } from './calibrate.js';
import { requireClasses } from './fit.js';

export interface EmbedSplitOptions {
  readonly dataset: Dataset;
  /** undefined: everything, whatever its split. */
  readonly splits: readonly SplitName[] | undefined;
  readonly embedder: Embedder;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

/** The pictures of some splits as a labelled set, and the item of each row; those that cannot be read are left out. */
export async function embedSplits(
  options: EmbedSplitOptions,
): Promise<LabelledSet & { readonly items: readonly DatasetItem[] }> {
  const { dataset, splits, ...rest } = options;
  const items = dataset.items.filter(({ split }) => splits?.includes(split) ?? true);
  const names = [...itemsByLabel(items).keys()];
  const numbers = new Map(names.map((name, index) => [name, index]));
  const stage = splits === undefined ? `embedding ${dataset.name}` : `embedding ${splits.join(' and ')} images`;
  const embedded = await embedItems({ root: dataset.root, items, stage, ...rest });
  const classes = Int32Array.from(embedded.items, ({ label }) => numbers.get(label ?? '') ?? -1);
  const { embeddings, items: read } = embedded;
  return { embeddings, classes, dimension: rest.embedder.dimension, items: read };
}

/** @throws KindredError disk-full, folder-not-writable */
export async function writeCalibration(modelFolder: string, calibration: Calibration): Promise<void> {
  await writeFileAtomic(join(modelFolder, calibrationFile), `${JSON.stringify(seal(calibration), undefined, 1)}\n`);
}

/**
 * Calibrates a model on the validation classes of its data set, and keeps the result in its bundle. Their pictures search
 * among those of the training classes as well: with the few validation classes alone, far too many neighbours would be right.
 * @throws KindredError dataset-too-small, interrupted, disk-full, folder-not-writable
 */
export async function calibrateModel(
  options: Omit<EmbedSplitOptions, 'splits'> & { readonly modelFolder: string },
): Promise<Calibration> {
  const { dataset, embedder, modelFolder, progress, signal } = options;
  // Before thousands of pictures are embedded for nothing.
  const held = itemsByLabel(dataset.items.filter(({ split }) => split === 'validation'));
  requireClasses([...held.values()].filter(({ length }) => length > 1).length);
  const { items, ...set } = await embedSplits({ ...options, splits: ['train', 'validation'] });
  const calibration = await calibrate({
    ...set,
    isQuery: (row) => items[row]?.split === 'validation',
    fingerprint: embedder.fingerprint,
    of: { name: dataset.name, split: 'validation' },
    progress,
    signal,
  });
  await writeCalibration(modelFolder, calibration);
  return calibration;
}
