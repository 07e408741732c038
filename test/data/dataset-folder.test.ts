import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { version } from '../../src/core/version.js';
import type { DatasetItem } from '../../src/data/dataset.js';
import { loadDataset, type NewDataset, writeDataset } from '../../src/data/dataset-folder.js';
import { failure, temporaryFolder } from './helpers.js';

const item = (id: string, label: string | null, split: DatasetItem['split']): DatasetItem => ({
  id,
  path: id,
  label,
  split,
  metadata: { price: 1.5, new: true },
});

function sample(root: string): NewDataset {
  const items = [
    item('a/1.jpg', 'a', 'train'),
    item('a/2.jpg', 'a', 'train'),
    item('b/ü,1.jpg', 'b', 'test'),
    item('loose.jpg', null, 'none'),
  ];
  return { name: 'shop', source: 'folder', root, items, split: { method: 'random', seed: 5 }, licence: 'CC0' };
}

async function edited(file: string, change: (text: string) => string): Promise<string> {
  const folder = await temporaryFolder();
  await writeDataset(folder, sample('/photos'));
  const path = join(folder, file);
  await writeFile(path, change(await readFile(path, 'utf8')));
  return folder;
}

describe('writeDataset and loadDataset', () => {
  it('give back what was written', async () => {
    const folder = await temporaryFolder();
    const manifest = await writeDataset(folder, sample('/photos'));
    expect(manifest).toMatchObject({ kindred: version, licence: 'CC0', root: '/photos', source: 'folder' });
    expect(manifest.counts).toEqual({
      items: 4,
      classes: 2,
      splits: {
        train: { items: 2, classes: 1 },
        validation: { items: 0, classes: 0 },
        test: { items: 1, classes: 1 },
        none: { items: 1, classes: 0 },
      },
    });
    const loaded = await loadDataset(folder);
    expect(loaded).toEqual({
      folder,
      name: 'shop',
      root: '/photos',
      items: sample('/photos').items,
      split: { method: 'random', seed: 5 },
      splitHash: manifest.split.hash,
    });
  });

  it('keep a root inside the folder relative, so that it can be moved', async () => {
    const folder = await temporaryFolder();
    expect((await writeDataset(folder, sample(join(folder, 'images', 'x')))).root).toBe('images/x');
    expect((await loadDataset(folder)).root).toBe(join(folder, 'images', 'x'));
    expect((await writeDataset(folder, sample(folder))).root).toBe('.');
    expect((await loadDataset(folder)).root).toBe(folder);
    expect((await writeDataset(folder, sample(`${folder}-beside`))).root).toBe(`${folder}-beside`);
  });

  it('refuse ids that could not be used later', async () => {
    const folder = await temporaryFolder();
    for (const id of ['', 'x'.repeat(513), 'new\nline']) {
      const error = await failure(writeDataset(folder, { ...sample('/p'), items: [item(id, 'a', 'train')] }));
      expect(error.code).toBe('dataset-invalid');
    }
  });

  it('say where there is no data set', async () => {
    const folder = await temporaryFolder();
    expect(await failure(loadDataset(folder))).toMatchObject({
      code: 'file-not-found',
      message: `${folder} is not a data set: there is no dataset.json in it`,
    });
  });

  it.each<[string, string, (text: string) => string, string]>([
    ['cut-off JSON', 'dataset.json', (text) => text.slice(0, 40), 'dataset.json: not valid JSON'],
    ['a missing field', 'dataset.json', (text) => text.replace('"root"', '"roof"'), 'dataset.json: root:'],
    [
      'another format',
      'dataset.json',
      (text) => text.replace('"format": 1', '"format": 2'),
      'this kindred reads format 1',
    ],
    ['a cut-off line', 'items.jsonl', (text) => text.slice(0, -20), 'items.jsonl: line 4: not valid JSON'],
    [
      'a lost line',
      'items.jsonl',
      (text) => text.split('\n').slice(1).join('\n'),
      'holds 3 items where dataset.json says 4',
    ],
    ['an edited label', 'items.jsonl', (text) => text.replaceAll('"label":"b"', '"label":"c"'), 'changed by hand'],
    [
      'a split class',
      'items.jsonl',
      (text) => text.replace('"train"', '"test"'),
      'line 2: class "a" is in "train" and in "test"',
    ],
    ['an unknown split', 'items.jsonl', (text) => text.replace('"train"', '"dev"'), 'line 1: split'],
    [
      'a repeated id',
      'items.jsonl',
      (text) => text.replace('"id":"a/2.jpg"', '"id":"a/1.jpg"'),
      'line 2: the id "a/1.jpg" is on line 1',
    ],
    [
      'a path outside',
      'items.jsonl',
      (text) => text.replace('"path":"a/2.jpg"', '"path":"../../etc/passwd"'),
      'line 2: path',
    ],
    [
      'an absolute path',
      'items.jsonl',
      (text) => text.replace('"path":"a/2.jpg"', '"path":"/etc/passwd"'),
      'line 2: path',
    ],
    ['an empty line', 'items.jsonl', (text) => text.replace('\n', '\n\n'), 'line 2: not valid JSON'],
  ])('refuse %s, naming the place', async (_name, file, change, message) => {
    const error = await failure(loadDataset(await edited(file, change)));
    expect(error.code).toBe('dataset-invalid');
    expect(error.message).toContain(message);
    expect(error.hint).toContain('kindred data prepare');
  });

  it.each([
    ['a role outside the test', { train: 'query', test: ['query', 'gallery'] }, 'line 1: only an item in split "test"'],
    ['a test item without a role', { test: ['query', undefined] }, 'line 4: other test items are queries'],
    ['queries without a gallery', { test: ['query', 'query'] }, 'every test item is a query item'],
    ['a gallery without queries', { test: ['gallery', 'gallery'] }, 'every test item is a gallery item'],
  ] as const)('refuse %s', async (_name, roles, message) => {
    const folder = await temporaryFolder();
    const item = (id: string, split: 'train' | 'test', role: 'query' | 'gallery' | undefined): DatasetItem => ({
      ...{ id, path: id, label: split, split, metadata: {} },
      ...(role ? { role } : {}),
    });
    const train = 'train' in roles ? roles.train : undefined;
    const items = [
      ...[item('1', 'train', train), item('2', 'train', undefined)],
      ...[item('3', 'test', roles.test[0]), item('4', 'test', roles.test[1])],
    ];
    const dataset = { name: 'x', source: 'csv', root: folder, items, split: { method: 'official', seed: 0 } };
    const error = await failure(writeDataset(folder, dataset));
    expect(error.code).toBe('dataset-invalid');
    expect(error.message).toContain(message);
  });

  it('write one JSON document a line', async () => {
    const folder = await edited('items.jsonl', (text) => text);
    const lines = (await readFile(join(folder, 'items.jsonl'), 'utf8')).trimEnd().split('\n');
    const ids = lines.map((line) => z.object({ id: z.string() }).parse(JSON.parse(line)).id);
    expect(ids).toEqual(['a/1.jpg', 'a/2.jpg', 'b/ü,1.jpg', 'loose.jpg']);
  });
});
