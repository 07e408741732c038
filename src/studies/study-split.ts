import { createRandom, shuffled } from '../core/random.js';
import { itemsByLabel, type Dataset, type DatasetItem } from '../data/dataset.js';
import { assignSplits, computeSplitHash } from '../data/split.js';
import type { StudyData } from './plan.js';

/** Training items cut down to some classes and some images of each; the rest take no part. */
function limited(
  items: readonly DatasetItem[],
  { classes, imagesPerClass }: StudyData['limit'],
  seed: number,
): DatasetItem[] {
  const groups = [...itemsByLabel(items.filter(({ split }) => split === 'train'))];
  const kept = new Set(
    shuffled(groups, createRandom('limit', seed))
      .slice(0, classes)
      .flatMap(([label, members]) => shuffled(members, createRandom('limit', seed, label)).slice(0, imagesPerClass)),
  );
  return items.map((item) => (item.split !== 'train' || kept.has(item) ? item : { ...item, split: 'none' }));
}

/**
 * The data set as one seed of a study sees it: classes drawn anew for training, validation and test where the study
 * says so. What had no split (iconic pictures, classes of one) has none here either.
 */
export function datasetFor(
  dataset: Dataset,
  { split, limit }: Pick<StudyData, 'split' | 'limit'>,
  seed: number,
): Dataset {
  const whole =
    split === 'as-prepared'
      ? dataset.items
      : assignSplits(
          dataset.items.map(({ id, path, label, metadata, split: prepared }) => {
            return { id, path, label, metadata, iconic: prepared === 'none' };
          }),
          'random',
          seed,
        ).items;
  const items = limit.classes === undefined && limit.imagesPerClass === undefined ? whole : limited(whole, limit, seed);
  return { ...dataset, items, split: { method: split, seed }, splitHash: computeSplitHash(items) };
}
