import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../../src/data/dataset-folder.js';
import { createCarsSource } from '../../../src/data/sources/cars.js';
import { failure, temporaryFolder } from '../helpers.js';
import { matFile, textArray } from '../mat-writer.js';
import * as mini from '../miniatures.js';
import { expectSplit, prepare, write } from './prepare-miniature.js';

const cars = createCarsSource(mini.carsMiniature);

describe('Cars196', () => {
  const train = ['AM General Hummer SUV 2000', 'Acura RL Sedan 2012'];
  const test = ['Ram C/V Cargo Van Minivan 2012', 'smart fortwo'];

  /** With the folders of pictures packed, as they are published. */
  async function packed(files: mini.Files): Promise<string> {
    const folder = await write(files);
    for (const part of ['car_ims', 'cars_train', 'cars_test']) {
      const own = new Map([...files].filter(([name]) => name.startsWith(`${part}/`)));
      if (own.size === 0) continue;
      await rm(join(folder, part), { recursive: true });
      await mini.writeTgz(join(folder, `${part}.tgz`), own);
    }
    return folder;
  }

  it('is read with one annotation file, packed or not', async () => {
    const files = await mini.carsFiles();
    for (const from of [await write(files), await packed(files)]) {
      const summary = await prepare(cars, from);
      await expectSplit(summary, train, test);
      const { items } = await loadDataset(summary.folder);
      expect(items[2]).toMatchObject({
        id: 'car_ims/000003.jpg',
        label: test[0],
        split: 'test',
        metadata: { class: 3 },
      });
    }
  });

  it('is read as the devkit has it, packed or not', async () => {
    const files = await mini.carsDevkitFiles();
    for (const from of [await write(files), await packed(files)]) {
      const summary = await prepare(cars, from);
      await expectSplit(summary, train, test);
      const { items } = await loadDataset(summary.folder);
      // The sixth picture is the first of cars_test, and class 2 is trained on all the same.
      expect(items[5]).toMatchObject({ id: 'cars_test/00001.jpg', label: train[1], split: 'train' });
    }
  });

  it.each<[string, (files: mini.Files) => void, string, string]>([
    [
      'labels missing',
      (files) => files.delete('cars_test_annos_withlabels.mat'),
      'dataset-invalid',
      'withlabels.mat is missing',
    ],
    [
      'the file without labels',
      (files) =>
        files.set('cars_test_annos_withlabels.mat', files.get('devkit/cars_test_annos.mat') ?? Buffer.alloc(0)),
      'dataset-invalid',
      'annotations(1) has no number "class" (is it the file without labels?)',
    ],
    [
      'no struct in it',
      (files) => files.set('devkit/cars_train_annos.mat', matFile([textArray('x', 'annotations')])),
      'dataset-invalid',
      'no struct array "annotations"',
    ],
    [
      'a damaged file',
      (files) =>
        files.set('devkit/cars_meta.mat', (files.get('devkit/cars_meta.mat') ?? Buffer.alloc(0)).subarray(0, 140)),
      'dataset-invalid',
      'cars_meta.mat is no MATLAB file that can be read',
    ],
    [
      'a missing picture',
      (files) => files.delete('cars_test/00003.jpg'),
      'dataset-invalid',
      'cars_test/00003.jpg is in',
    ],
    [
      'no pictures',
      (files) =>
        [...files.keys()].filter((name) => name.startsWith('cars_test/')).forEach((name) => files.delete(name)),
      'source-missing',
      'cars_test/ or cars_test.tgz',
    ],
  ])('refuses %s', async (_what, edit, code, message) => {
    const files = await mini.carsDevkitFiles();
    edit(files);
    const error = await failure(prepare(cars, await write(files)));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  it('says where it was published', async () => {
    const error = await failure(prepare(cars, await temporaryFolder()));
    expect(error.code).toBe('source-missing');
    expect(error.hint).toContain('cars_annos.mat');
  });
});
