import { closeSync, existsSync, openSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  createPictureStore,
  openPictureStore,
  type KeptPicture,
  type PictureStoreSetup,
} from '../../../src/learn/stem/picture-store.js';
import { temporaryFolder } from '../../data/helpers.js';

const pixelBytes = 300;
const picture = (n: number): KeptPicture => ({
  pixels: new Uint8Array(pixelBytes).fill(n + 1),
  hash: new Uint8Array(32).fill(200 - n),
});

function store(
  count: number,
  memoryPictures: number,
  folder: string,
): { setup: PictureStoreSetup; warnings: string[] } {
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  const made = createPictureStore({ count, pixelBytes, memoryBytes: memoryPictures * (pixelBytes + 32), folder, warn });
  onTestFinished(made.close);
  return { setup: made.setup, warnings };
}

test('pictures beyond the bound lie in a file, and all workers find all of them', async () => {
  const folder = await temporaryFolder();
  const { setup, warnings } = store(10, 4, folder);
  expect(setup.memory.byteLength).toBe(4 * (pixelBytes + 32));
  const [one, other] = [openPictureStore(setup, () => undefined), openPictureStore(setup, () => undefined)];
  for (let n = 0; n < 10; n++) {
    expect(other.get(n)).toBeNull();
    one.put(n, picture(n));
    one.put(n, picture(n));
  }
  for (let n = 0; n < 10; n++) {
    const { pixels, hash } = other.get(n) ?? { pixels: [], hash: [] };
    expect([[...pixels], [...hash]]).toEqual([[...picture(n).pixels], [...picture(n).hash]]);
  }
  expect(readdirSync(folder)).toEqual([]); // the file has no name: nothing is left behind, whatever happens
  expect(warnings).toEqual([]);
});

test('without need there is no file', async () => {
  const folder = join(await temporaryFolder(), 'unused');
  expect(store(3, 5, folder).setup).toMatchObject({ descriptor: null, memorySlots: 3 });
  expect(existsSync(folder)).toBe(false);
});

test('a damaged picture on the disk is decoded anew and replaced', async () => {
  const { setup } = store(4, 1, await temporaryFolder());
  const opened = openPictureStore(setup, () => undefined);
  for (let n = 0; n < 4; n++) opened.put(n, picture(n));
  const recordBytes = 4 + 32 + pixelBytes;
  // One byte of the pixels of picture 1, one of the hash of picture 2.
  writeSync(setup.descriptor ?? -1, Buffer.of(99), 0, 1, 200);
  writeSync(setup.descriptor ?? -1, Buffer.of(99), 0, 1, recordBytes + 10);
  expect([0, 1, 2, 3].map((n) => opened.get(n) !== null)).toEqual([true, false, false, true]);
  opened.put(1, picture(1));
  expect([...(opened.get(1)?.pixels ?? [])]).toEqual([...picture(1).pixels]);
});

test('a folder that cannot be used costs a warning, and only what does not fit in memory', async () => {
  const file = join(await temporaryFolder(), 'file');
  writeFileSync(file, '');
  const { setup, warnings } = store(3, 1, join(file, 'folder'));
  expect(warnings).toEqual([expect.stringContaining('decoded anew each time')]);
  const opened = openPictureStore(setup, () => undefined);
  for (let n = 0; n < 3; n++) opened.put(n, picture(n));
  expect([0, 1, 2].map((n) => opened.get(n) !== null)).toEqual([true, false, false]);
});

test('a disk that fills up costs one warning', async () => {
  const { setup } = store(3, 0, await temporaryFolder());
  const warnings: string[] = [];
  const descriptor = openSync('/dev/full', 'r+'); // answers every write with ENOSPC
  onTestFinished(() => closeSync(descriptor));
  const opened = openPictureStore({ ...setup, descriptor }, (text) => warnings.push(text));
  for (let n = 0; n < 3; n++) opened.put(n, picture(n));
  expect(warnings).toEqual([expect.stringContaining('no space left')]);
  expect([0, 1, 2].map((n) => opened.get(n))).toEqual([null, null, null]);
});
