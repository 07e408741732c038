import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/hashing.js';
import { type BlobStore, createBlobStore } from '../../src/indexing/blobs.js';
import { temporaryFolder } from './helpers.js';

const bytes = Buffer.from('a picture');
const hash = sha256(bytes);
let root: string;
let store: BlobStore;
beforeEach(async () => {
  root = await temporaryFolder();
  store = createBlobStore(root);
});

describe('a blob store', () => {
  it('keeps one file for a content, named by its hash', async () => {
    const path = await store.put(bytes, hash);
    expect(path).toBe(join(root, 'blobs', hash.slice(0, 2), hash));
    expect(await store.put(bytes, hash)).toBe(path);
    expect(await readFile(path)).toEqual(bytes);
    expect(await readdir(join(root, 'blobs', hash.slice(0, 2)))).toEqual([hash]);
  });

  it('answers nobody before the first who brought a picture', async () => {
    const order: number[] = [];
    const big = Buffer.alloc(4_000_000, 7);
    const one = async (number: number): Promise<void> => {
      // Later ones come when the file has its name already, or is about to get it.
      for (let turn = 0; turn < number * 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      await store.put(big, sha256(big));
      order.push(number);
    };
    await Promise.all([0, 1, 2, 3, 4, 5].map(one));
    expect(order[0]).toBe(0);
  });

  it('writes a damaged file again', async () => {
    const path = await store.put(bytes, hash);
    await writeFile(path, 'b picture');
    await store.put(bytes, hash);
    expect(await readFile(path)).toEqual(bytes);
  });

  it('says what is wrong to all who wait, and can be asked again', async () => {
    await writeFile(join(root, 'blobs'), 'in the way');
    const outcomes = await Promise.allSettled([store.put(bytes, hash), store.put(bytes, hash)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await rm(join(root, 'blobs'));
    expect(await readFile(await store.put(bytes, hash))).toEqual(bytes);
  });

  it('sweeps what is not used, and what was left half-written', async () => {
    const used = await store.put(bytes, hash);
    const other = Buffer.from('another');
    await store.put(other, sha256(other));
    await writeFile(join(root, 'blobs', hash.slice(0, 2), '.x.tmp'), 'half');
    expect(await store.sweep(new Set([used]))).toBe(2);
    expect(await store.sweep(new Set([used]))).toBe(0);
    expect(await readFile(used)).toEqual(bytes);
  });
});
