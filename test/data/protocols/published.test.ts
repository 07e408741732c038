import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../../src/data/dataset-folder.js';
import { prepareDataset } from '../../../src/data/prepare.js';
import { createCubSource, cubProtocol } from '../../../src/data/sources/cub.js';
import { carsProtocol } from '../../../src/data/sources/cars.js';
import { onlineProductsProtocol } from '../../../src/data/sources/online-products.js';
import { inShopProtocol } from '../../../src/data/sources/in-shop.js';
import { failure, quiet, temporaryFolder } from '../helpers.js';
import * as mini from '../miniatures.js';

const cub = createCubSource(mini.cubMiniature);

describe('a published data set', () => {
  it('has the counts of the literature', () => {
    const sum = (counts: Readonly<Record<string, { images: number }>>): number =>
      Object.values(counts).reduce((total, { images }) => total + images, 0);
    expect(cubProtocol.counts).toEqual({ train: { images: 5864, classes: 100 }, test: { images: 5924, classes: 100 } });
    expect(carsProtocol.counts).toEqual({ train: { images: 8054, classes: 98 }, test: { images: 8131, classes: 98 } });
    expect(sum({ ...cubProtocol.counts })).toBe(11_788);
    expect(sum({ ...carsProtocol.counts })).toBe(16_185);
    expect(sum({ ...onlineProductsProtocol.counts })).toBe(120_053);
    expect(sum({ ...inShopProtocol.counts })).toBe(52_712);
  });

  it('leaves nothing behind when it is refused', async () => {
    const files = await mini.cubFiles();
    files.delete('CUB_200_2011/classes.txt');
    const folder = await temporaryFolder();
    const archive = await mini.writeTgz(join(folder, 'CUB_200_2011.tgz'), files);
    await rm(`${archive}.files`, { recursive: true });
    const out = join(folder, 'out');
    const error = await failure(
      prepareDataset({ source: cub, sourceName: 'cub', from: archive, out, seed: 0, strict: false, ...quiet }),
    );
    expect(error.message).toBe(`${join(archive, 'classes.txt')} is missing`);
    expect(await readdir(folder)).toEqual(['CUB_200_2011.tgz']);
  });

  it('replaces an earlier data set that was unpacked into the same folder', async () => {
    const folder = await temporaryFolder();
    const archive = await mini.writeTgz(join(folder, 'CUB_200_2011.tgz'), await mini.cubFiles());
    const out = join(folder, 'out');
    const options = { source: cub, sourceName: 'cub', from: archive, out, seed: 0, strict: false, ...quiet };
    await prepareDataset(options);
    await prepareDataset(options);
    expect((await loadDataset(out)).items).toHaveLength(12);
    await mkdir(join(folder, 'elsewhere'));
    await rename(out, join(folder, 'elsewhere', 'moved'));
    expect((await loadDataset(join(folder, 'elsewhere', 'moved'))).root).toBe(
      join(folder, 'elsewhere', 'moved', 'images'),
    );
  });
});
