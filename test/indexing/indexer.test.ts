import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../src/core/progress.js';
import { type EmbeddedCatalogue, openEmbeddedCatalogue } from '../../src/indexing/embedded/embedded-catalogue.js';
import { syncIndex } from '../../src/indexing/indexer.js';
import { storePicture } from '../../src/indexing/keep-picture.js';
import type { SourceItem, SyncOptions } from '../../src/indexing/sync-types.js';
import { colourEmbedder, type FakeEmbedder, paint, temporaryFolder } from './helpers.js';

let photos: string;
let catalogue: EmbeddedCatalogue;
let embedder: FakeEmbedder;

const itemAt = (id: string, changes: Partial<SourceItem> = {}): SourceItem => ({
  id,
  label: 'thing',
  metadata: {},
  path: join(photos, id),
  ...changes,
});

beforeEach(async () => {
  const folder = await temporaryFolder();
  photos = join(folder, 'photos');
  await mkdir(photos);
  embedder = colourEmbedder();
  const { fingerprint, dimension } = embedder;
  catalogue = await openEmbeddedCatalogue({ folder, create: { fingerprint, dimension } });
});
afterEach(() => catalogue.close());

async function paintMany(count: number): Promise<SourceItem[]> {
  const ids = Array.from({ length: count }, (_, i) => `${String(i).padStart(3, '0')}.png`);
  await Promise.all(ids.map((id, i) => paint(join(photos, id), { r: (i * 7) % 256, g: (i * 31) % 256, b: i % 256 })));
  return ids.map((id) => itemAt(id));
}

const sync = (source: SyncOptions['source'], options: Partial<SyncOptions> = {}) =>
  syncIndex({ catalogue, embedder, source, ...options });
const nothing = { added: 0, replaced: 0, unchanged: 0, metadataChanged: 0, vanished: [], pruned: 0, skipped: [] };

describe('syncing', () => {
  it('adds everything at first, several calls at a time, and reports progress to the end', async () => {
    const source = await paintMany(30);
    const events: ProgressEvent[] = [];
    expect(await sync(source, { progress: (event) => events.push(event) })).toEqual({ ...nothing, added: 30 });
    expect(events.map(({ done }) => done)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(events.at(-1)).toEqual({ stage: 'indexing', done: 30, total: 30 });
    expect(embedder.busiest()).toBeGreaterThan(1);
    const stored = await catalogue.get('004.png');
    expect(stored).toMatchObject({ label: 'thing', imagePath: join(photos, '004.png'), width: 8, height: 6 });
  });

  it('embeds nothing again, even when files were touched', async () => {
    const source = await paintMany(9);
    await sync(source);
    embedder.embedded.length = 0;
    await utimes(join(photos, '003.png'), new Date(), new Date());
    expect(await sync(source)).toEqual({ ...nothing, unchanged: 9 });
    expect(embedder.embedded).toEqual([]);
    expect((await catalogue.stats()).changeNumber).toBe(9);
  });

  it('skips a picture that changes while it is copied, or is gone by then', async () => {
    const source = await paintMany(3);
    const [changing, going] = [join(photos, '000.png'), join(photos, '001.png')];
    embedder = colourEmbedder();
    const meanwhile = async (...args: Parameters<typeof embedder.embed>) => {
      const outcomes = await embedder.embed(...args);
      await writeFile(changing, 'something else');
      await rm(going);
      return outcomes;
    };
    const keep = storePicture({ put: (_, hash) => Promise.resolve(`/blobs/${hash}`) });
    const summary = await sync(source, { keep, embedder: { ...embedder, embed: meanwhile } });
    expect(summary.added).toBe(1);
    expect(summary.skipped.map(({ id, code }) => [id, code]).sort()).toEqual([
      ['000.png', 'image-unreadable'],
      ['001.png', 'image-missing'],
    ]);
    const { items } = await catalogue.scan({ limit: 10 });
    expect(items.map(({ imagePath, contentHash }) => imagePath === `/blobs/${contentHash}`)).toEqual([true]);
  });

  it('replaces a picture that changed and only that', async () => {
    const source = await paintMany(5);
    await sync(source);
    embedder.embedded.length = 0;
    const before = await catalogue.embedding('002.png');
    await paint(join(photos, '002.png'), { r: 250, g: 0, b: 0 });
    expect(await sync(source)).toEqual({ ...nothing, replaced: 1, unchanged: 4 });
    expect(embedder.embedded).toEqual([join(photos, '002.png')]);
    expect(await catalogue.embedding('002.png')).not.toEqual(before);
  });

  it('takes over a new label, metadata or path without embedding', async () => {
    const source = await paintMany(3);
    await sync(source);
    embedder.embedded.length = 0;
    const [a, b, c] = ['000.png', '001.png', '002.png'].map((id) => itemAt(id));
    if (!a || !b || !c) throw new Error('three items');
    const changed = [{ ...a, label: 'other' }, { ...b, metadata: { shop: 'N' } }, c];
    expect(await sync(changed)).toEqual({ ...nothing, metadataChanged: 2, unchanged: 1 });
    expect(embedder.embedded).toEqual([]);
    expect(await catalogue.get('000.png')).toMatchObject({ label: 'other' });
    expect(await catalogue.scan({ limit: 5, filter: { field: 'shop', in: ['N'] } })).toMatchObject({ total: 1 });
  });

  it('reports what vanished, and deletes it only when told to', async () => {
    const source = await paintMany(6);
    await sync(source);
    const rest = source.slice(0, 4);
    const vanished = ['004.png', '005.png'];
    expect(await sync(rest)).toEqual({ ...nothing, unchanged: 4, vanished });
    expect((await catalogue.stats()).items).toBe(6);
    expect(await sync(rest, { prune: true })).toEqual({ ...nothing, unchanged: 4, vanished, pruned: 2 });
    expect((await catalogue.stats()).items).toBe(4);
  });

  it('skips what cannot be read with its path and reason, and keeps what it had of it', async () => {
    const source = await paintMany(4);
    await sync(source);
    await writeFile(join(photos, '001.png'), 'no picture');
    await rm(join(photos, '002.png'));
    await writeFile(join(photos, 'empty.png'), '');
    const summary = await sync([...source, itemAt('empty.png'), itemAt('bad\nname.png'), itemAt('000.png')], {
      prune: true,
    });
    expect(summary).toMatchObject({ added: 0, unchanged: 2, vanished: [], pruned: 0 });
    const skipped = summary.skipped.map(({ id, code }) => `${id} ${code}`).sort();
    expect(skipped).toEqual([
      '000.png invalid-request',
      '001.png image-unreadable',
      '002.png image-missing',
      'bad\nname.png invalid-request',
      'empty.png image-unreadable',
    ]);
    expect((await catalogue.stats()).items).toBe(4);
  });

  it('stops at the first unreadable picture when strict; what came before is stored', async () => {
    const source = await paintMany(12);
    await writeFile(join(photos, '009.png'), 'no picture');
    await expect(sync(source, { strict: true })).rejects.toMatchObject({
      code: 'image-unreadable',
      message: `${join(photos, '009.png')}: it cannot be decoded`,
    });
    expect((await catalogue.stats()).items).toBeGreaterThanOrEqual(8);
  });

  it('takes an async source of unknown length', async () => {
    const all = await paintMany(7);
    async function* stream(): AsyncGenerator<SourceItem> {
      for (const item of all) yield await Promise.resolve(item);
    }
    const totals = new Set<number | undefined>();
    const summary = await sync(stream(), { progress: ({ total }) => totals.add(total) });
    expect(summary.added).toBe(7);
    expect([...totals]).toEqual([undefined]);
  });

  it('stores what was embedded when it is interrupted, and goes on from there', async () => {
    const source = await paintMany(40);
    const controller = new AbortController();
    let calls = 0;
    embedder = colourEmbedder({
      onEmbed: () => {
        if (++calls === 3) controller.abort();
      },
    });
    await expect(sync(source, { signal: controller.signal })).rejects.toMatchObject({
      code: 'interrupted',
      message: 'stopped early; 12 items were stored by this run',
    });
    expect((await catalogue.stats()).items).toBe(12);
    expect(await sync(source)).toEqual({ ...nothing, added: 28, unchanged: 12 });
  });

  it('passes on what breaks the embedder or the catalogue', async () => {
    const source = await paintMany(4);
    const broken = { ...embedder, embed: () => Promise.reject(new Error('the GPU is gone')) };
    await expect(sync(source, { embedder: broken })).rejects.toThrow('the GPU is gone');
    const full = { ...catalogue, put: () => Promise.reject(new Error('disk full')) };
    await expect(sync(source, { catalogue: full })).rejects.toThrow('disk full');
    expect((await catalogue.stats()).items).toBe(0);
  });
});
