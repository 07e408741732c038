import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { exists } from '../../src/core/files.js';
import { currentVersion } from '../../src/indexing/folder/current.js';
import { lockIndex } from '../../src/indexing/index-lock.js';
import { openIndex } from '../../src/indexing/index-folder.js';
import { runReindex } from '../../src/cli/commands/reindex.js';
import { openEmbedder } from '../../src/compose.js';
import { newItem } from '../contracts/catalogue.js';
import { collect } from './collect.js';
import { createTinyIndex, kindred, startKindred, type TinyIndex, writeTinyBundle } from './tiny-index.js';

const count = 40;
let world: TinyIndex;
let other: string;
let narrow: string;
beforeAll(async () => {
  world = await createTinyIndex(count);
  [other, narrow] = [join(world.base, 'other'), join(world.base, 'narrow')];
  await writeTinyBundle(other, { seed: 2 });
  await writeTinyBundle(narrow, { seed: 3, dimension: 5 });
});
afterAll(() => world.close());

async function copyOf(name: string): Promise<string> {
  const folder = join(world.base, name);
  await cp(world.index, folder, { recursive: true, verbatimSymlinks: true });
  return folder;
}

const open = (folder: string) => openEmbedder(folder, { threads: 1 });
const options = { rollback: false, skipMissing: false, keep: 2, json: true };
const run = (index: string, changes: object, context = collect().context) =>
  runReindex(index, { ...options, ...changes }, context, open);

async function facts(index: string) {
  const { catalogue, close } = await openIndex(index, { readOnly: true }).then((opened) => ({
    catalogue: opened.catalogue,
    close: () => opened.close(),
  }));
  const ids = [...(await catalogue.contentHashes()).keys()].sort();
  const { dimension, fingerprint } = catalogue;
  await close();
  return { ids, dimension, fingerprint, version: await currentVersion(index) };
}

describe('kindred reindex', () => {
  it('brings an index to another model, keeps the old version, and rolls back with the writes since', async () => {
    const index = await copyOf('there-and-back');
    const before = await facts(index);
    const { code, out } = await kindred('reindex', index, '--model', narrow, '--threads', '1', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ version: 2, previous: 1, items: count, embedded: count, skipped: [] });
    const after = await facts(index);
    expect(after).toMatchObject({ ids: before.ids, dimension: 5, version: 2 });
    expect(after.fingerprint).not.toBe(before.fingerprint);
    const found = await kindred('search', '--index', index, join(world.photos, 'a/0007.png'), '--limit', '1', '--json');
    expect(JSON.parse(found.out)).toMatchObject({ results: [{ id: 'a/0007.png' }] });

    const opened = await openIndex(index);
    const item = await opened.catalogue.get('a/0007.png');
    const embedding = await opened.catalogue.embedding('a/0007.png');
    if (!item || !embedding) throw new Error('an item is gone');
    await opened.catalogue.put([{ ...item, id: 'since', embedding }]);
    await opened.catalogue.delete(['a/0001.png']);
    await opened.close();
    expect(await run(index, { rollback: true })).toMatchObject({ data: { version: 1, previous: 2, replayed: true } });
    const back = await facts(index);
    expect(back).toMatchObject({ dimension: 8, version: 1, fingerprint: before.fingerprint });
    expect(back.ids).toEqual([...before.ids.filter((id) => id !== 'a/0001.png'), 'since'].sort());
    expect(await kindred('snapshot', 'verify', index)).toMatchObject({ code: 0 });
  });

  it('refuses items it cannot embed before it embeds any, and leaves them out on demand', async () => {
    const index = await copyOf('incomplete');
    const opened = await openIndex(index);
    const vector = Float32Array.from({ length: 8 }, (_, i) => (i === 0 ? 1 : 0));
    await opened.catalogue.put([newItem('vector only', vector, { imagePath: null })]);
    await opened.close();
    const picture = join(world.photos, 'a/0003.png');
    await rename(picture, `${picture}.away`);
    onTestFinished(() => rename(`${picture}.away`, picture));
    const { events, context } = collect();
    await expect(run(index, { model: other }, context)).rejects.toMatchObject({
      code: 'reindex-incomplete',
      message: expect.stringMatching(
        /^2 items (?=.*"a\/0003.png": its picture is gone)(?=.*"vector only": it came as a vector)/,
      ) as string,
    });
    expect(events.some(({ stage }) => stage === 're-indexing')).toBe(false);
    const done = await run(index, { model: other, skipMissing: true });
    expect(done.data).toMatchObject({ items: count - 1, version: 2 });
    expect((await facts(index)).ids).toHaveLength(count - 1);
  });

  it('goes on where it was stopped, and one at a time', async () => {
    const index = await copyOf('stopped');
    const controller = new AbortController();
    const { context } = collect(controller.signal);
    const slow = async (folder: string) => {
      const embedder = await open(folder);
      return { ...embedder, preferredBatch: 5 };
    };
    const lock = await lockIndex(join(index, 'reindex'));
    await expect(run(index, { model: other })).rejects.toMatchObject({
      code: 'index-locked',
      message: expect.stringContaining('re-indexed already') as string,
    });
    await lock.release();
    const stopping = runReindex(
      index,
      { ...options, model: other },
      {
        ...context,
        progress: ({ stage }) => {
          if (stage === 're-indexing') controller.abort();
        },
      },
      slow,
    );
    await expect(stopping).rejects.toMatchObject({ code: 'interrupted' });
    expect(await facts(index)).toMatchObject({ version: 1 });
    const { data } = await run(index, { model: other });
    const { embedded } = z.object({ embedded: z.number() }).parse(data);
    expect(data).toMatchObject({ resumed: true, items: count, version: 2 });
    expect(embedded).toBeLessThan(count);
    expect(await exists(join(index, 'reindex/version'))).toBe(false);
  });

  it('stops at Ctrl-C without a trace in what is served', async () => {
    const index = await copyOf('ctrl-c');
    const running = startKindred('reindex', index, '--model', other, '--threads', '1');
    while (!(await exists(join(index, 'reindex/lock.db')))) await new Promise((resolve) => setTimeout(resolve, 2));
    running.child.kill('SIGINT');
    expect([await running.ended, running.text()]).toEqual([130, expect.stringContaining('[interrupted]')]);
    expect(await facts(index)).toMatchObject({ version: 1, dimension: 8 });
    await (await openIndex(index)).close();
  });

  it('refuses the model that the index has, two wishes at once, and a way back where there is none', async () => {
    const index = await copyOf('refused');
    await expect(run(index, { model: world.model })).rejects.toMatchObject({ code: 'invalid-option' });
    await expect(run(index, { model: other, rollback: true })).rejects.toMatchObject({ code: 'usage' });
    await expect(run(index, {})).rejects.toMatchObject({ code: 'usage' });
    await expect(run(index, { rollback: true })).rejects.toMatchObject({ code: 'invalid-option' });
    await mkdir(join(world.base, 'empty'));
    await expect(run(join(world.base, 'empty'), { model: other })).rejects.toMatchObject({ code: 'index-missing' });
  });
});

describe('kindred serve, re-indexed beneath it', () => {
  it.each([{ flags: [] }, { flags: ['--read-only'] }])(
    'goes to the new model without dropping a request $flags',
    async ({ flags }) => {
      const index = await copyOf(`served${flags.length}`);
      const server = startKindred('serve', '--index', index, '--port', '0', '--threads', '1', ...flags);
      const [url] = await server.said(/http:\/\/127\.0\.0\.1:\d+/);
      const stop = new AbortController();
      const statuses = new Map<number, number>();
      const models = new Set<string>();
      const ask = async (path: string): Promise<Response> => {
        const response = await fetch(`${url}${path}`);
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        return response;
      };
      const client = async (): Promise<void> => {
        for (let i = 0; !stop.signal.aborted; i++) {
          const id = `a%2F${String(i % count).padStart(4, '0')}.png`;
          await (await ask(`/v1/items/${id}/similar?limit=3`)).json();
          await (await ask(`/v1/items/${id}/similar?limit=3&box=0,0,0.5,0.5`)).json();
          models.add(z.object({ fingerprint: z.string() }).parse(await (await ask('/v1/model')).json()).fingerprint);
        }
      };
      const clients = [client(), client(), client()];
      await run(index, { model: narrow });
      await server.said(/serving version 2/);
      if (flags.length === 0) {
        await run(index, { rollback: true });
        await server.said(/serving version 1 /);
      }
      stop.abort();
      await Promise.all(clients);
      expect([...statuses.keys()]).toEqual([200]);
      expect(models.size).toBe(2);
      server.child.kill('SIGTERM');
      expect(await server.ended).toBe(0);
      expect(server.text()).not.toMatch(/failed|error/);
      expect(await exists(join(index, 'next.json'))).toBe(false);
      await rm(index, { recursive: true });
    },
  );
});
