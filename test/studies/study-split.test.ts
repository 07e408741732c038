import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.js';
import { datasetFor } from '../../src/studies/study-split.js';

const items = Array.from({ length: 20 }, (_, c) =>
  Array.from({ length: 6 }, (_, i) => ({
    id: `${c}/${i}`,
    path: `${c}/${i}.png`,
    label: `class ${c}`,
    split: c < 10 ? ('train' as const) : ('test' as const),
    metadata: {},
  })),
).flat();
const iconic = { id: 'icon', path: 'icon.png', label: 'class 0', split: 'none' as const, metadata: {} };
const dataset: Dataset = {
  folder: '/f',
  name: 'n',
  root: '/f',
  items: [...items, iconic],
  split: { method: 'random', seed: 0 },
  splitHash: '',
};
const classesOf = (data: Dataset, split: string): string[] =>
  [...new Set(data.items.filter((item) => item.split === split).map(({ label }) => label ?? ''))].sort();

describe('the data set of a seed', () => {
  test('has classes of its own in every split, disjoint, and the same ones for all arms', () => {
    const one = datasetFor(dataset, { split: 'per-seed', limit: {} }, 1);
    const again = datasetFor(dataset, { split: 'per-seed', limit: {} }, 1);
    const other = datasetFor(dataset, { split: 'per-seed', limit: {} }, 2);
    expect(again).toEqual(one);
    expect(other.splitHash).not.toBe(one.splitHash);
    const [train, validation, test_] = ['train', 'validation', 'test'].map((split) => classesOf(one, split));
    expect([train?.length, validation?.length, test_?.length]).toEqual([8, 2, 10]);
    expect(new Set([...(train ?? []), ...(validation ?? []), ...(test_ ?? [])]).size).toBe(20);
    expect(one.items.find(({ id }) => id === 'icon')?.split).toBe('none');
    // Positions are what a shared stem knows pictures by.
    expect(one.items.map(({ id }) => id)).toEqual(dataset.items.map(({ id }) => id));
  });

  test('as prepared, keeps the data set’s splits', () => {
    expect(datasetFor(dataset, { split: 'as-prepared', limit: {} }, 5).items).toEqual(dataset.items);
  });

  test('a limit cuts the training classes and their images, nothing else', () => {
    const cut = datasetFor(dataset, { split: 'as-prepared', limit: { classes: 4, imagesPerClass: 3 } }, 1);
    expect(classesOf(cut, 'train')).toHaveLength(4);
    for (const name of classesOf(cut, 'train'))
      expect(cut.items.filter(({ label, split }) => label === name && split === 'train')).toHaveLength(3);
    expect(cut.items.filter(({ split }) => split === 'test')).toEqual(items.filter(({ split }) => split === 'test'));
  });
});
