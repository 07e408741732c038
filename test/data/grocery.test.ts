import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { itemsByLabel } from '../../src/data/dataset.js';
import { downloadGrocery } from '../../src/data/sources/grocery-download.js';
import { grocerySource } from '../../src/data/sources/grocery.js';
import { assignSplits } from '../../src/data/split.js';
import { failure, quiet, temporaryFolder, writePictures } from './helpers.js';

const gather = (from: string) => grocerySource.gather({ from, root: undefined, folder: '/unused', ...quiet });

/** A small copy of the repository as it is published. */
async function published(): Promise<string> {
  const folder = join(await temporaryFolder(), 'GroceryStoreDataset-master');
  await writePictures(join(folder, 'dataset'), [
    'train/Fruit/Apple/Pink-Lady/Pink-Lady_001.jpg',
    'val/Fruit/Apple/Pink-Lady/Pink-Lady_002.jpg',
    'test/Packages/Milk/Arla-Standard-Milk/Arla-Standard-Milk_001.jpg',
    'test/Vegetables/Leek/Leek_001.jpg',
    'iconic-images-and-descriptions/Fruit/Apple/Pink-Lady/Pink-Lady_Iconic.jpg',
  ]);
  await writePictures(folder, ['sample_images/natural/x.jpg']);
  const classes =
    'Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int),Iconic Image Path (str),Product Description Path (str)\n' +
    'Pink-Lady,2,Apple,0,/x,/y\nArla-Standard-Milk,41,Milk,20,/x,/y\n';
  await writeFile(join(folder, 'dataset', 'classes.csv'), classes);
  return folder;
}

describe('the published layout', () => {
  it('takes the folder that holds the picture as the class', async () => {
    const folder = await published();
    for (const from of [folder, join(folder, 'dataset')]) {
      const { items, root, licence, citation } = await gather(from);
      expect(root).toBe(join(folder, 'dataset'));
      expect([licence, citation?.includes('WACV 2019')]).toEqual(['MIT', true]);
      expect(items.map(({ label, metadata, iconic }) => ({ label, ...metadata, iconic }))).toEqual([
        { label: 'Pink-Lady', category: 'Apple', source: 'train', iconic: false },
        { label: 'Pink-Lady', category: 'Apple', source: 'val', iconic: false },
        { label: 'Arla-Standard-Milk', category: 'Milk', source: 'test', iconic: false },
        { label: 'Leek', category: 'Leek', source: 'test', iconic: false },
        { label: 'Pink-Lady', category: 'Apple', source: 'iconic', iconic: true },
      ]);
    }
  });

  it('says what it looked for elsewhere', async () => {
    const folder = await temporaryFolder();
    expect(await failure(gather(folder))).toMatchObject({ code: 'dataset-empty' });
    expect((await failure(gather(join(folder, 'nope')))).code).toBe('file-not-found');
  });
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise<void>((done) => void server.close(() => done()));
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/archive.tar.gz`;
}

describe('the download', () => {
  it('unpacks the archive without its outermost folder', async () => {
    const folder = await published();
    const archive = execFileSync('tar', ['-czf', '-', '-C', resolve(folder, '..'), 'GroceryStoreDataset-master']);
    const url = await serve((_request, response) => response.end(archive));
    const target = join(await temporaryFolder(), 'images');
    await downloadGrocery(target, { ...quiet, url });
    expect((await readdir(target)).sort()).toEqual(['dataset', 'sample_images']);
    expect((await gather(target)).items).toHaveLength(5);
  });

  it('says how to go on without it when it fails', async () => {
    const cut = await serve((_request, response) => response.end(Buffer.from([0x1f, 0x8b, 8, 0, 0])));
    const gone = await serve((_request, response) => response.writeHead(404).end());
    const refused = gone.replace(/:\d+/, ':1');
    for (const [url, reason] of [
      [cut, 'tar could not unpack it'],
      [gone, 'the server answered 404'],
      [refused, 'could not download'],
    ] as const) {
      const error = await failure(downloadGrocery(join(await temporaryFolder(), 'images'), { ...quiet, url }));
      expect(error.code).toBe('source-missing');
      expect(error.message).toContain(reason);
      expect(error.hint).toContain('--from PATH');
    }
  });

  it('stops when interrupted', async () => {
    const url = await serve((_request, response) => void response.write('never ends'));
    const target = join(await temporaryFolder(), 'images');
    await mkdir(target);
    const signal = AbortSignal.timeout(50);
    expect((await failure(downloadGrocery(target, { ...quiet, signal, url }))).code).toBe('interrupted');
  });
});

const copy = resolve('../shared/data/grocery');

describe.skipIf(!existsSync(copy))('the local copy of the grocery photos', () => {
  it('has 81 classes, split by sorted name, with the iconic pictures set apart', async () => {
    const { items } = await gather(copy);
    const { items: split, leftOut } = assignSplits(items, 'every-second', 0);
    expect(split).toHaveLength(5502);
    expect(leftOut).toEqual({ unlabelled: 0, alone: 0, iconic: 81 });
    const classes = (name: string) => itemsByLabel(split.filter((item) => item.split === name)).size;
    expect(['train', 'validation', 'test', 'none'].map(classes)).toEqual([33, 8, 40, 81]);
  });
});
