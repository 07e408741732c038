import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../src/data/dataset-folder.js';
import { prepareDataset, type PrepareOptions } from '../../src/data/prepare.js';
import type { DatasetSource } from '../../src/data/source.js';
import { datasetSources } from '../../src/data/sources/registry.js';
import { failure, noise, quiet, temporaryFolder, writePictures } from './helpers.js';

function options(name: string, out: string, more: Partial<PrepareOptions> = {}): PrepareOptions {
  const source = datasetSources.get(name);
  return { source, sourceName: name, out, split: 'every-second', seed: 0, strict: false, ...quiet, ...more };
}

async function shop(): Promise<{ base: string; photos: string; out: string }> {
  const base = await temporaryFolder();
  const photos = join(base, 'photos');
  await writePictures(photos, [
    'a/1.jpg',
    'a/deep/2.JPG',
    'b/1.jpg',
    'b/2.jpg',
    'c/only.jpg',
    'loose.jpg',
    '.hidden/x.jpg',
  ]);
  return { base, photos, out: join(base, 'out') };
}

describe('folder', () => {
  it('takes the first folder as the class and leaves the images where they are', async () => {
    const { photos, out } = await shop();
    const { manifest, leftOut } = await prepareDataset(options('folder', out, { from: photos }));
    expect(await readdir(out)).toEqual(['dataset.json', 'hashes.jsonl', 'items.jsonl']);
    expect(manifest).toMatchObject({ name: 'photos', source: 'folder', root: photos });
    expect(leftOut).toEqual({ unlabelled: 1, alone: 1, iconic: 0 });
    const { items } = await loadDataset(out);
    expect(items.map(({ id, label, split }) => `${id} ${label ?? '-'} ${split}`)).toEqual([
      'a/1.jpg a train',
      'a/deep/2.JPG a train',
      'b/1.jpg b test',
      'b/2.jpg b test',
      'c/only.jpg c none',
      'loose.jpg - none',
    ]);
  });

  it('follows links, once each', async () => {
    const { base, photos, out } = await shop();
    await writePictures(join(base, 'elsewhere'), ['1.jpg', '2.jpg'], 50);
    await symlink(join(base, 'elsewhere'), join(photos, 'd'));
    await symlink(photos, join(photos, 'a', 'loop'));
    await symlink('/nowhere/at-all', join(photos, 'b', 'gone.jpg'));
    const { manifest, skipped } = await prepareDataset(options('folder', out, { from: photos }));
    expect(manifest.counts.items).toBe(8);
    expect(skipped).toEqual([{ path: 'b/gone.jpg', reason: 'a link that leads nowhere' }]);
  });

  it('skips what cannot be read, with its path and the reason', async () => {
    const { photos, out } = await shop();
    await writeFile(join(photos, 'a', 'zero.jpg'), '');
    await writeFile(join(photos, 'a', 'text.png'), 'no image');
    await writeFile(join(photos, 'a', 'drawing.svg'), '<svg/>');
    await writeFile(join(photos, 'a', 'notes.txt'), 'no image');
    await writeFile(join(photos, 'a', 'cut.jpg'), (await noise(9).jpeg().toBuffer()).subarray(0, 900));
    const { manifest, skipped } = await prepareDataset(options('folder', out, { from: photos }));
    expect(manifest.counts.items).toBe(6);
    expect(skipped.map(({ path }) => path).sort()).toEqual(['a/cut.jpg', 'a/drawing.svg', 'a/text.png', 'a/zero.jpg']);
    expect(skipped.find(({ path }) => path === 'a/zero.jpg')?.reason).toBe('is empty (0 bytes)');
  });

  it('stops at the first of them with --strict, and writes nothing', async () => {
    const { base, photos, out } = await shop();
    await writeFile(join(photos, 'a', 'zero.jpg'), '');
    const error = await failure(prepareDataset(options('folder', out, { from: photos, strict: true })));
    expect(error.code).toBe('image-unreadable');
    expect(error.message).toContain(join(photos, 'a', 'zero.jpg'));
    expect(await readdir(base)).toEqual(['photos']);
  });

  it('says what it looked for where there is no image, and writes nothing', async () => {
    const base = await temporaryFolder();
    await mkdir(join(base, 'empty'));
    await writeFile(join(base, 'empty', 'notes.txt'), 'x');
    const error = await failure(prepareDataset(options('folder', join(base, 'out'), { from: join(base, 'empty') })));
    expect(error.code).toBe('dataset-empty');
    expect(error.hint).toContain('JPEG, PNG');
    expect(error.hint).toContain('Found 1 other file');
    expect(await readdir(base)).toEqual(['empty']);
  });

  it('refuses when no image at all can be read', async () => {
    const base = await temporaryFolder();
    await mkdir(join(base, 'bad'));
    await writeFile(join(base, 'bad', 'x.jpg'), 'no');
    const error = await failure(prepareDataset(options('folder', join(base, 'out'), { from: join(base, 'bad') })));
    expect(error).toMatchObject({ code: 'dataset-empty', hint: 'For example x.jpg: is not an image.' });
  });

  it('names a path that is not there, or is a file', async () => {
    const { photos, out } = await shop();
    const run = (from: string) => failure(prepareDataset(options('folder', out, { from })));
    expect((await run(join(photos, 'nope'))).code).toBe('file-not-found');
    expect((await run(join(photos, 'loose.jpg'))).message).toContain('is a file, not a folder');
  });
});

describe('the output folder', () => {
  it('is replaced when a data set is there, and kept when preparing fails', async () => {
    const { base, photos, out } = await shop();
    await prepareDataset(options('folder', out, { from: photos }));
    await writePictures(photos, ['d/1.jpg'], 90);
    const again = await prepareDataset(options('folder', out, { from: photos }));
    expect(again.manifest.counts.items).toBe(7);
    await failure(prepareDataset(options('folder', out, { from: join(base, 'nope') })));
    expect((await loadDataset(out)).items).toHaveLength(7);
    expect((await readdir(base)).sort()).toEqual(['out', 'photos']);
  });

  it('is refused when it holds anything else', async () => {
    const { base, photos, out } = await shop();
    const run = (folder: string) => failure(prepareDataset(options('folder', folder, { from: photos })));
    expect(await run(photos)).toMatchObject({ code: 'output-exists', field: '--out' });
    expect(await run(base)).toMatchObject({ code: 'output-exists' });
    await writePictures(join(base, 'other'), ['x.jpg']);
    expect(await run(join(base, 'other'))).toMatchObject({ code: 'output-exists' });
    expect(await run(join(photos, 'loose.jpg'))).toMatchObject({ code: 'output-exists' });
    await prepareDataset(options('folder', out, { from: photos }));
    await mkdir(join(out, 'images'));
    await writeFile(join(out, 'notes.txt'), 'mine');
    expect((await run(out)).message).toContain('also holds images, notes.txt');
    expect(await readFile(join(out, 'notes.txt'), 'utf8')).toBe('mine');
  });

  it('may be there and empty', async () => {
    const { photos, out } = await shop();
    await mkdir(out);
    await prepareDataset(options('folder', out, { from: photos }));
    expect((await loadDataset(out)).items).toHaveLength(6);
  });

  it('is left alone on an interrupt', async () => {
    const { base, photos, out } = await shop();
    const controller = new AbortController();
    const stop = { signal: controller.signal, progress: () => controller.abort() };
    const error = await failure(prepareDataset(options('folder', out, { from: photos, ...stop })));
    expect(error.code).toBe('interrupted');
    expect(await readdir(base)).toEqual(['photos']);
  });
});

describe('images that a source makes', () => {
  const maker: DatasetSource = {
    summary: 'makes two pictures',
    gather: async ({ folder }) => {
      const root = join(folder, 'images');
      await writePictures(root, ['a/1.jpg', 'a/2.jpg']);
      const items = ['a/1.jpg', 'a/2.jpg'].map((path) => ({ id: path, path, label: 'a', metadata: {} }));
      return { name: 'made', root, items, skipped: [] };
    },
  };

  it('move with the folder, and are replaced with it', async () => {
    const out = join(await temporaryFolder(), 'out');
    for (const round of [1, 2]) {
      const { manifest } = await prepareDataset(options('folder', out, { source: maker, sourceName: 'maker' }));
      expect([round, manifest.root]).toEqual([round, 'images']);
    }
    const { root, items } = await loadDataset(out);
    expect(root).toBe(join(out, 'images'));
    expect((await readFile(join(root, items[0]?.path ?? ''))).length).toBeGreaterThan(100);
  });
});
