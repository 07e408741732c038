import { cp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exists } from '../../src/core/files.js';
import { currentVersion } from '../../src/indexing/folder/current.js';
import { openIndex } from '../../src/indexing/index-folder.js';
import { createSnapshot } from '../../src/indexing/snapshot/create.js';
import { restoreSnapshot } from '../../src/indexing/snapshot/restore.js';
import { verifySnapshot } from '../../src/indexing/snapshot/verify.js';
import { newItem } from '../contracts/catalogue.js';
import { l2Normalize } from '../../src/core/vectors.js';
import { collect } from './collect.js';
import { createTinyIndex, kindred, type TinyIndex } from './tiny-index.js';

let world: TinyIndex;
let kept: string;
beforeAll(async () => {
  world = await createTinyIndex();
  kept = join(world.base, 'kept');
  expect(await kindred('snapshot', 'create', world.index, '--out', kept)).toMatchObject({ code: 0 });
});
afterAll(() => world.close());

const at = (...names: string[]): string => join(world.base, ...names);
const vector = (seed: number): Float32Array =>
  l2Normalize(Float32Array.from({ length: 8 }, (_, i) => Math.sin(seed * 7 + i) + 0.01));

async function idsIn(index: string): Promise<string[]> {
  const opened = await openIndex(index, { readOnly: true });
  const hashes = await opened.catalogue.contentHashes();
  await opened.close();
  return [...hashes.keys()].sort();
}

async function flip(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ 0x10;
  await file.write(byte, 0, 1, position);
  await file.close();
}

describe('kindred snapshot', () => {
  it('creates, verifies and restores into a new index', async () => {
    expect((await kindred('snapshot', 'verify', kept)).out).toMatch(/^whole: .*12 items as of change 12/);
    const restored = at('restored');
    const { code, out } = await kindred('snapshot', 'restore', kept, '--out', restored, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ index: restored, version: 1, previous: null, items: 12, missing: [] });
    expect(await idsIn(restored)).toEqual(await idsIn(world.index));
    expect(await kindred('snapshot', 'verify', restored)).toMatchObject({ code: 0 });
    const found = await kindred('search', '--index', restored, at('photos/a/0003.png'), '--limit', '1', '--json');
    expect(JSON.parse(found.out)).toMatchObject({ results: [{ id: 'a/0003.png' }] });
  });

  it('is one file where its name ends in .tar', async () => {
    const file = at('one.tar');
    expect(await kindred('snapshot', 'create', world.index, '--out', file)).toMatchObject({ code: 0, err: '' });
    expect(await kindred('snapshot', 'verify', file)).toMatchObject({ code: 0 });
    const restored = at('from-tar');
    expect(await kindred('snapshot', 'restore', file, '--out', restored)).toMatchObject({ code: 0 });
    expect(await idsIn(restored)).toHaveLength(12);
    await truncate(file, 5000);
    const cut = await kindred('snapshot', 'restore', file, '--out', restored);
    expect([cut.code, cut.err]).toEqual([1, expect.stringContaining('[snapshot-damaged]')]);
    expect((await readdir(world.base)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('puts a snapshot in the place of an index, keeps the version before, and waits for no lock', async () => {
    const index = at('replaced');
    await cp(world.index, index, { recursive: true, verbatimSymlinks: true });
    const writer = await openIndex(index);
    await writer.catalogue.put([newItem('later', vector(1))]);
    const restore = () => restoreSnapshot(kept, index, collect().context);
    await expect(restore()).rejects.toMatchObject({ code: 'index-locked' });
    await writer.close();
    expect(await idsIn(index)).toContain('later');
    expect(await restore()).toMatchObject({ version: 2, previous: 1 });
    expect(await currentVersion(index)).toBe(2);
    expect(await idsIn(index)).not.toContain('later');
    expect(await exists(join(index, 'versions/1/catalogue.db'))).toBe(true);
  });

  it('is of one instant while writes go on', async () => {
    const index = at('busy');
    await cp(world.index, index, { recursive: true, verbatimSymlinks: true });
    const opened = await openIndex(index);
    const stop = new AbortController();
    let written = 0;
    const write = async (): Promise<void> => {
      // Two items a transaction: a snapshot that has one without the other is of no instant.
      for (; !stop.signal.aborted; written++) {
        await opened.catalogue.put([
          newItem(`left ${written}`, vector(written)),
          newItem(`right ${written}`, vector(-written)),
        ]);
      }
    };
    const writing = write();
    for (let i = 0; i < 2; i++) {
      const before = written;
      await createSnapshot(index, at(`busy-${i}`), collect().context);
      const during = written - before;
      await restoreSnapshot(at(`busy-${i}`), at(`busy-${i}-index`), collect().context);
      const ids = await idsIn(at(`busy-${i}-index`));
      const pairs = ids.filter((id) => id.startsWith('left')).length;
      expect(ids.filter((id) => id.startsWith('right'))).toHaveLength(pairs);
      expect(pairs).toBeGreaterThanOrEqual(before);
      expect(during).toBeGreaterThan(0);
    }
    stop.abort();
    await writing;
    await opened.close();
  });

  const files = ['manifest.json', 'catalogue.db', 'model/bundle.json', 'model/model.onnx'];
  it.each(files)(
    'refuses a snapshot whose %s was changed, cut or is gone, and leaves the index alone',
    async (name) => {
      const copy = at(`damaged-${name.replace('/', '-')}`);
      const before = await idsIn(world.index);
      const size = (await readFile(join(kept, name))).length;
      const damages: (() => Promise<void>)[] = [
        () => flip(join(copy, name), Math.floor(size / 2)),
        () => truncate(join(copy, name), size - 3),
        () => rm(join(copy, name)),
      ];
      for (const damage of damages) {
        await rm(copy, { recursive: true, force: true });
        await cp(kept, copy, { recursive: true });
        await damage();
        const gone = name === 'manifest.json' && !(await exists(join(copy, name)));
        const fault = await verifySnapshot(copy, collect().context).catch((error: unknown) => error);
        expect(fault).toMatchObject({ code: gone ? 'file-not-found' : 'snapshot-damaged' });
        expect(fault).toHaveProperty('message', expect.stringContaining(name));
      }
      const refused = restoreSnapshot(copy, world.index, collect().context);
      await expect(refused).rejects.toMatchObject({
        code: expect.stringMatching(/^(snapshot-damaged|file-not-found)$/) as string,
      });
      expect([await currentVersion(world.index), await idsIn(world.index)]).toEqual([1, before]);
      expect(await exists(at('index/versions/2'))).toBe(false);
    },
  );

  it('refuses a newer snapshot with the version that reads it, and names that lead out of it', async () => {
    const copy = at('newer');
    await cp(kept, copy, { recursive: true });
    const path = join(copy, 'manifest.json');
    const text = await readFile(path, 'utf8');
    await writeFile(
      path,
      text.replace('"format": 1', '"format": 2').replace(/"kindred": "[^"]*"/, '"kindred": "9.1.0"'),
    );
    const newer = await verifySnapshot(copy, collect().context).catch((error: unknown) => error);
    expect(newer).toMatchObject({ code: 'index-too-new', hint: 'Update kindred to 9.1.0 or newer.' });
    await writeFile(path, text.replace('model/model.onnx', 'model/../../x'));
    await expect(verifySnapshot(copy, collect().context)).rejects.toMatchObject({ code: 'snapshot-damaged' });
  });

  it('writes over nothing, and leaves nothing when stopped', async () => {
    const create = (index: string, out: string, work = collect().context) => createSnapshot(index, out, work);
    await expect(create(world.index, kept)).rejects.toMatchObject({ code: 'output-exists' });
    await expect(create(at('nowhere'), at('x'))).rejects.toMatchObject({ code: 'index-missing' });
    const controller = new AbortController();
    const { context } = collect(controller.signal);
    const making = create(world.index, at('stopped'), context);
    controller.abort();
    await expect(making).rejects.toMatchObject({ code: 'interrupted' });
    expect((await readdir(world.base)).filter((name) => name.includes('stopped') || name.startsWith('.'))).toEqual([]);
  });

  it('says which item of an index is damaged, and copies no damage', async () => {
    const index = at('rotten');
    await cp(world.index, index, { recursive: true, verbatimSymlinks: true });
    const path = join(index, 'versions/1/catalogue.db');
    const place = (await readFile(path)).indexOf('a/0005.png'.concat('a'));
    expect(place).toBeGreaterThan(0);
    await flip(path, place);
    const { code, err } = await kindred('snapshot', 'verify', index);
    expect([code, err]).toEqual([1, expect.stringContaining('[index-damaged]')]);
    const copied = createSnapshot(index, at('rotten-copy'), collect().context);
    await expect(copied).rejects.toMatchObject({ code: 'index-damaged' });
    expect(await exists(at('rotten-copy'))).toBe(false);
  });
});
