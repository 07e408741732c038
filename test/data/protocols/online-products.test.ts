import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../../src/data/dataset-folder.js';
import { createOnlineProductsSource } from '../../../src/data/sources/online-products.js';
import { failure, temporaryFolder } from '../helpers.js';
import * as mini from '../miniatures.js';
import { expectSplit, prepare, write } from './prepare-miniature.js';

const products = createOnlineProductsSource(mini.onlineProductsMiniature);

describe('Stanford Online Products', () => {
  const train = ['bicycle/1', 'bicycle/2', 'mug/3'];
  const test = ['bicycle/4', 'mug/5'];

  it('is read from the archive and from what was unpacked', async () => {
    const files = await mini.onlineProductsFiles();
    const archive = await mini.writeZip(join(await temporaryFolder(), 'Stanford_Online_Products.zip'), files);
    const unpacked = await write(files);
    const hashes = new Set<string>();
    for (const from of [archive, join(archive, '..'), unpacked, join(unpacked, 'Stanford_Online_Products')]) {
      const summary = await prepare(products, from);
      await expectSplit(summary, train, test);
      hashes.add(summary.manifest.split.hash);
      const { items } = await loadDataset(summary.folder);
      expect(items.at(-1)).toMatchObject({ id: 'mug_final/111085004_1.JPG', metadata: { category: 'mug' } });
    }
    expect(hashes.size).toBe(1);
  });

  const index = 'Stanford_Online_Products/Ebay_test.txt';
  it.each<[string, (text: string) => string, string]>([
    ['a class in both halves', (text) => text.replace(/ 4 1 /g, ' 1 1 '), 'class "bicycle/1" is in both halves'],
    [
      'fields missing',
      (text) => text.replace(/^(\d+ 4) 1 /m, '$1 '),
      'Ebay_test.txt, line 2: 3 fields, 4 are expected',
    ],
    ['a line twice', (text) => `${text}${text.split('\n')[1] ?? ''}\n`, 'lists bicycle_final/111085003_0.JPG twice'],
    [
      'a path of another form',
      (text) => text.replace('bicycle_final/', '../'),
      'is not of the form CATEGORY_final/FILE',
    ],
    ['a line less', (text) => text.split('\n').slice(0, -2).join('\n'), 'and not in Ebay_train.txt or Ebay_test.txt'],
  ])('refuses %s', async (_what, edit, message) => {
    const counted = createOnlineProductsSource(
      _what === 'a class in both halves' ? { counts: {} } : mini.onlineProductsMiniature,
    );
    const files = await mini.onlineProductsFiles();
    files.set(index, Buffer.from(edit(Buffer.from(files.get(index) ?? []).toString())));
    const error = await failure(prepare(counted, await write(files)));
    expect(error.code).toBe('dataset-invalid');
    expect(error.message).toContain(message);
  });

  it('refuses wrong counts', async () => {
    const { counts } = mini.onlineProductsMiniature;
    const other = createOnlineProductsSource({ counts: { ...counts, test: { images: 6, classes: 2 } } });
    const error = await failure(prepare(other, await write(await mini.onlineProductsFiles())));
    expect(error.message).toBe('test: 5 images of 2 classes, published are 6 images of 2 classes');
  });
});
