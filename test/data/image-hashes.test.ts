import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/hashing.js';
import { loadDataset } from '../../src/data/dataset-folder.js';
import type { Dataset } from '../../src/data/dataset.js';
import { hashDataset, hashesFile, keptHashes } from '../../src/data/image-hashes.js';
import { prepareDataset } from '../../src/data/prepare.js';
import { datasetSources } from '../../src/data/sources/registry.js';
import { noise, quiet, temporaryFolder, writePictures } from './helpers.js';

const names = ['a/1.jpg', 'a/2.jpg', 'b/1.jpg', 'b/2.jpg'];

async function prepared(): Promise<Dataset> {
  const base = await temporaryFolder();
  const photos = join(base, 'photos');
  await writePictures(photos, names);
  const options = { source: datasetSources.get('folder'), sourceName: 'folder', from: photos, seed: 0, strict: false };
  await prepareDataset({ ...options, out: join(base, 'out'), ...quiet });
  // Again, over itself: the file is one of the data set's own.
  await prepareDataset({ ...options, out: join(base, 'out'), ...quiet });
  return loadDataset(join(base, 'out'));
}

const kept = (dataset: Dataset) => keptHashes(dataset, names, quiet.signal);

describe('hashes beside a data set', () => {
  it('are written when it is prepared, and are those of the files', async () => {
    const dataset = await prepared();
    const hashes = await kept(dataset);
    expect([...hashes.keys()].sort()).toEqual(names);
    expect(hashes.get('a/1.jpg')?.content).toBe(sha256(await readFile(join(dataset.root, 'a/1.jpg'))));
    expect(hashes.get('a/1.jpg')?.perceptual).toMatch(/^[0-9a-f]{16}$/);
    expect(await hashDataset(dataset, quiet)).toEqual(hashes);
  });

  it('count only while the picture is as it was, and are worked out again', async () => {
    const dataset = await prepared();
    const before = await kept(dataset);
    const other = await noise(99, 48, 48).png().toBuffer();
    await writeFile(join(dataset.root, 'a/1.jpg'), other);
    await appendFile(join(dataset.folder, hashesFile), 'torn {"path":\n{"path":"b/1.jpg"}\n');
    expect([...(await kept(dataset)).keys()].sort()).toEqual(names.slice(1));
    const again = await hashDataset(dataset, quiet);
    expect(again.get('a/1.jpg')?.content).toBe(sha256(other));
    expect(again.get('b/2.jpg')).toEqual(before.get('b/2.jpg'));
    expect(await kept(dataset)).toEqual(again);
  });

  it('leave out what cannot be read', async () => {
    const dataset = await prepared();
    await writeFile(join(dataset.root, 'b/2.jpg'), 'no picture');
    expect((await hashDataset(dataset, quiet)).has('b/2.jpg')).toBe(false);
  });
});
