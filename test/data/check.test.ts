import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkDataset } from '../../src/data/check.js';
import { loadDataset } from '../../src/data/dataset-folder.js';
import { prepareDataset } from '../../src/data/prepare.js';
import { datasetSources } from '../../src/data/sources/registry.js';
import { failure, noise, quiet, temporaryFolder, writePictures } from './helpers.js';

async function prepared(names: readonly string[], extra: (photos: string) => Promise<void> = () => Promise.resolve()) {
  const base = await temporaryFolder();
  const photos = join(base, 'photos');
  await writePictures(photos, names);
  await extra(photos);
  const source = datasetSources.get('folder');
  const out = join(base, 'out');
  const split = 'every-second' as const;
  await prepareDataset({ source, sourceName: 'folder', from: photos, out, split, seed: 0, strict: false, ...quiet });
  return { photos, dataset: await loadDataset(out) };
}

const four = ['a/1.jpg', 'a/2.jpg', 'b/1.jpg', 'b/2.jpg', 'c/1.jpg', 'c/2.jpg', 'c/3.jpg', 'd/1.jpg', 'd/2.jpg'];

describe('checkDataset', () => {
  it('finds nothing in a good data set', async () => {
    const { dataset } = await prepared([...four, 'only/1.jpg']);
    expect(await checkDataset(dataset, quiet)).toMatchObject({
      name: 'photos',
      classSizes: { smallest: 2, median: 2, largest: 3 },
      tooSmall: ['only'],
      unreadable: [],
      duplicates: [],
      conflicts: [],
      problems: [],
    });
  });

  it('lists what became unreadable, cut off or lost since', async () => {
    const { photos, dataset } = await prepared(four);
    await writeFile(join(photos, 'a', '1.jpg'), '');
    await writeFile(join(photos, 'b', '1.jpg'), (await noise(3).jpeg().toBuffer()).subarray(0, 700));
    await rm(join(photos, 'c', '1.jpg'));
    const { unreadable, problems } = await checkDataset(dataset, quiet);
    expect(unreadable.map(({ path }) => path)).toEqual(['a/1.jpg', 'b/1.jpg', 'c/1.jpg']);
    expect(unreadable[2]?.reason).toContain('there is no file');
    expect(problems).toEqual([expect.stringContaining('3 images cannot be read')]);
  });

  it('tells harmless duplicates from images in several classes', async () => {
    const { dataset } = await prepared(four, async (photos) => {
      await copyFile(join(photos, 'a', '1.jpg'), join(photos, 'a', 'copy.jpg'));
      await copyFile(join(photos, 'b', '1.jpg'), join(photos, 'c', 'stray.jpg'));
      await copyFile(join(photos, 'd', '1.jpg'), join(photos, 'unsorted.jpg'));
    });
    const { duplicates, conflicts, problems } = await checkDataset(dataset, quiet);
    expect(duplicates.map(({ ids }) => ids)).toEqual([
      ['a/1.jpg', 'a/copy.jpg'],
      ['d/1.jpg', 'unsorted.jpg'],
    ]);
    // b tests and c trains: the leak that makes a test worthless.
    expect(conflicts).toEqual([{ ids: ['b/1.jpg', 'c/stray.jpg'], labels: ['b', 'c'], splits: ['test', 'train'] }]);
    expect(problems).toEqual([expect.stringContaining('1 image is in several classes')]);
  });

  it('says when there are too few classes to train on', async () => {
    const { dataset } = await prepared(['a/1.jpg', 'b/1.jpg']);
    const { problems, classSizes } = await checkDataset(dataset, quiet);
    expect(classSizes).toBeNull();
    expect(problems).toEqual([expect.stringContaining('0 classes to train on')]);
  });

  it('stops when interrupted', async () => {
    const { dataset } = await prepared(four);
    expect((await failure(checkDataset(dataset, { ...quiet, signal: AbortSignal.abort() }))).code).toBe('interrupted');
  });
});
