import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../../src/data/dataset-folder.js';
import { type PrepareSummary } from '../../../src/data/prepare.js';
import { createCubSource } from '../../../src/data/sources/cub.js';
import { failure, temporaryFolder } from '../helpers.js';
import * as mini from '../miniatures.js';
import { type Options, expectSplit, prepare, write } from './prepare-miniature.js';

const cub = createCubSource(mini.cubMiniature);

describe('CUB-200-2011', () => {
  const train = ['001.Black_footed_Albatross', '002.Laysan_Albatross'];
  const test = ['101.White_Pelican', '102.Western_Wood_Pewee'];

  it('is read from the archive, from the folder that holds it, and from what was unpacked', async () => {
    const files = await mini.cubFiles();
    const folder = await temporaryFolder();
    const archive = await mini.writeTgz(join(folder, 'CUB_200_2011.tgz'), files);
    const unpacked = await write(files);
    const hashes = new Set<string>();
    for (const from of [archive, folder, unpacked, join(unpacked, 'CUB_200_2011')]) {
      const summary = await prepare(cub, from);
      await expectSplit(summary, train, test);
      hashes.add(summary.manifest.split.hash);
      const { root, items } = await loadDataset(summary.folder);
      expect(root.startsWith(summary.folder)).toBe(from === archive || from === folder);
      expect(items[0]).toMatchObject({
        id: '001.Black_footed_Albatross/Black_footed_Albatross_0001_796.jpg',
        path: 'images/001.Black_footed_Albatross/Black_footed_Albatross_0001_796.jpg',
        metadata: { species: 'Black footed Albatross' },
      });
    }
    expect(hashes.size).toBe(1);
  });

  const change = async (edit: (files: mini.Files) => void, options?: Options): Promise<PrepareSummary> => {
    const files = await mini.cubFiles();
    edit(files);
    return prepare(cub, await write(files), options);
  };
  const first = 'CUB_200_2011/images/001.Black_footed_Albatross/Black_footed_Albatross_0001_796.jpg';
  const replace = (name: string, from: RegExp, to: string) => (files: mini.Files) =>
    void files.set(
      name,
      Buffer.from(
        Buffer.from(files.get(name) ?? [])
          .toString()
          .replace(from, to),
      ),
    );

  it.each<[string, (files: mini.Files) => void, string]>([
    [
      'a missing picture',
      (files) => files.delete(first),
      'Black_footed_Albatross_0001_796.jpg is in images.txt and not in',
    ],
    [
      'a picture too many',
      (files) => files.set('CUB_200_2011/images/001.Black_footed_Albatross/copy.jpg', Buffer.from('x')),
      'copy.jpg is in',
    ],
    ['no labels', (files) => files.delete('CUB_200_2011/image_class_labels.txt'), 'image_class_labels.txt is missing'],
    [
      'a line cut off',
      replace('CUB_200_2011/images.txt', /^3 .*$/m, '3'),
      'images.txt, line 3: 1 fields, 2 are expected',
    ],
    [
      'a wrong class',
      replace('CUB_200_2011/image_class_labels.txt', /^5 2$/m, '5 9'),
      'line 5: class 9 is not in classes.txt',
    ],
    [
      'a class for no picture',
      replace('CUB_200_2011/images.txt', /^12 .*\n/m, ''),
      'line 12: image 12 is not in images.txt',
    ],
    ['a number twice', replace('CUB_200_2011/images.txt', /^12 /m, '11 '), 'line 12: image_id 11 is there twice'],
    [
      'a picture in another half',
      replace('CUB_200_2011/image_class_labels.txt', /^6 2$/m, '6 3'),
      'train: 5 images of 2',
    ],
  ])('refuses %s', async (_what, edit, message) => {
    const error = await failure(change(edit));
    expect(error.code).toBe('dataset-invalid');
    expect(error.message).toContain(message);
  });

  it('refuses a picture that cannot be read, named as in the archive', async () => {
    const files = await mini.cubFiles();
    files.set(first, Buffer.from('no jpeg'));
    const archive = await mini.writeTgz(join(await temporaryFolder(), 'CUB_200_2011.tgz'), files);
    const error = await failure(prepare(cub, archive));
    expect(error.code).toBe('image-unsupported');
    expect(error.message).toContain(join(archive, 'images', '001.Black_footed_Albatross'));
    expect(error.hint).toContain('--allow-incomplete');
  });

  it('takes what is there when told to, and says so in dataset.json', async () => {
    const edit = (files: mini.Files): void => {
      files.delete(first);
      files.set(first.replace('0001', '0002'), Buffer.from('no jpeg'));
      files.set('CUB_200_2011/images/101.White_Pelican/extra.jpg', Buffer.from('x'));
    };
    const { folder, skipped, manifest } = await change(edit, { allowIncomplete: true });
    expect(skipped.map(({ path }) => basename(path)).sort()).toEqual([
      'Black_footed_Albatross_0001_796.jpg',
      'Black_footed_Albatross_0002_796.jpg',
      'extra.jpg',
    ]);
    expect(manifest.deviations).toHaveLength(3);
    expect((await loadDataset(folder)).deviations).toEqual(manifest.deviations);
    expect(manifest.counts.items).toBe(10);
  });

  it('says where to get it, and what it looked for', async () => {
    const folder = await temporaryFolder();
    const error = await failure(prepare(cub, folder));
    expect(error).toMatchObject({ code: 'source-missing' });
    expect(error.message).toContain('CUB_200_2011.tgz');
    expect(error.hint).toContain('https://data.caltech.edu/');
    expect((await failure(prepare(cub, join(folder, 'nope')))).code).toBe('file-not-found');
  });
});
