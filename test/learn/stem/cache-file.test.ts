import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openCacheFile } from '../../../src/learn/stem/cache-file.js';
import { temporaryFolder } from '../../data/helpers.js';

const name = (digit: string): string => digit.repeat(32);

/** Files of 40 kB each, the first one unused for the longest time. */
async function folderOf(...paths: string[]): Promise<{ folder: string; at: (path: string) => string }> {
  const folder = await temporaryFolder();
  const at = (path: string): string => join(folder, 'activations', path);
  for (const [i, path] of paths.entries()) {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), Buffer.alloc(40_960, 1));
    utimesSync(at(path), 1000 + i, 1000 + i);
  }
  return { folder, at };
}

function open(folder: string, slots: number, limitBytes: number, ownBytes: number): string {
  const opened = openCacheFile({ folder, name: name('f'), slots, limitBytes, ownBytes });
  onTestFinished(opened.close);
  return opened.path;
}

test('files of other stems make room for what this one may grow to, the longest unused first', async () => {
  const files = [`${name('2')}/9.slots`, `${name('1')}/9.slots`, `${name('3')}/9.slots`];
  const { folder, at } = await folderOf(...files);
  const path = open(folder, 9, 200_000, 70_000); // 3 × 41 kB + 70 kB fit
  expect(files.map((file) => existsSync(at(file)))).toEqual([true, true, true]);
  expect(path).toBe(at(`${name('f')}/9.slots`));
  open(folder, 9, 160_000, 70_000);
  expect(files.map((file) => existsSync(at(file)))).toEqual([false, true, true]);
  expect(existsSync(at(name('2')))).toBe(false); // the empty folder as well
  open(folder, 9, 70_000, 70_000);
  expect(files.map((file) => existsSync(at(file)))).toEqual([false, false, false]);
  expect(existsSync(path)).toBe(true);
});

test('its own file stays, however large, and so does whatever is not a file of kindred’s', async () => {
  const own = `${name('f')}/9.slots`;
  const foreign = ['notes/9.slots', `${name('1')}/photo.jpg`, `${name('e')}/9.slots/inside`];
  const { folder, at } = await folderOf(own, `${name('f')}/7.slots`, ...foreign);
  open(folder, 9, 10_000, 10_000);
  expect([own, ...foreign].map((file) => existsSync(at(file)))).toEqual([true, true, true, true]);
  expect(existsSync(at(`${name('f')}/7.slots`))).toBe(false); // of another --cache-size
});
