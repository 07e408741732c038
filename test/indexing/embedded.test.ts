import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { countCommits } from '../../src/cli/bench/writes-bench.js';
import { squaredDistance } from '../../src/core/vectors.js';
import type { Filter, NewItem } from '../../src/indexing/catalogue.js';
import { type EmbeddedCatalogue, openEmbeddedCatalogue } from '../../src/indexing/embedded/embedded-catalogue.js';
import { type Tuning, tuning } from '../../src/indexing/embedded/format.js';
import { OwnerClient } from '../../src/indexing/embedded/owner-client.js';
import { catalogueContract, dimension, fingerprint, newItem } from '../contracts/catalogue.js';
import { clustered, temporaryFolder } from './helpers.js';

function contract(name: string, changes: Partial<Tuning>): void {
  catalogueContract(name, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kindred-catalogue-'));
    return {
      open: () => openEmbeddedCatalogue({ folder, create: { fingerprint, dimension }, tuning: changes }),
      dispose: () => rm(folder, { recursive: true, force: true }),
    };
  });
}

contract('embedded', {});
contract('embedded, walking the graph even for a handful of items', {
  scanBelow: 0,
  scanShare: 0,
  scansPerBreadth: 0,
  densityOverhaul: Infinity,
});

const size = 3000;
const width = 32;

function items(seed: number): NewItem[] {
  return clustered(size, width, 60, seed).map((embedding, i) =>
    newItem(`item ${i}`, embedding, {
      label: `class ${i % 60}`,
      metadata: { half: i % 2, rare: i % 100, group: i % 5 },
    }),
  );
}

/** Scans only what it must, so that the graph answers. */
const walking = { scanBelow: 100 };

async function filled(all: readonly NewItem[], changes: Partial<Tuning> = walking): Promise<EmbeddedCatalogue> {
  const folder = await temporaryFolder();
  const catalogue = await openEmbeddedCatalogue({ folder, create: { fingerprint, dimension: width }, tuning: changes });
  for (let i = 0; i < all.length; i += 500) await catalogue.put(all.slice(i, i + 500));
  return catalogue;
}

function naive(
  all: readonly NewItem[],
  query: Float32Array,
  limit: number,
  keep: (item: NewItem) => boolean,
): string[] {
  return all
    .filter(keep)
    .map((item) => ({ id: item.id, distance: squaredDistance(item.embedding, query) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, limit)
    .map(({ id }) => id);
}

describe('searching the graph', () => {
  it('finds at least 95 of 100 true neighbours in clustered data, with exact distances', async () => {
    const all = items(1);
    const catalogue = await filled(all);
    await catalogue.settled();
    expect((await catalogue.stats()).graph).toEqual({ state: 'ready', items: size, pending: 0 });
    let hits = 0;
    const queries = clustered(50, width, 60, 2);
    for (const query of queries) {
      const truth = new Set(naive(all, query, 10, () => true));
      const found = await catalogue.search(query, { limit: 10 });
      for (const { item, distance } of found) {
        if (truth.has(item.id)) hits++;
        const stored = all[Number(item.id.slice(5))]?.embedding ?? new Float32Array(width);
        expect(distance).toBeCloseTo(squaredDistance(stored, query), 6);
      }
      expect(found.map(({ distance }) => distance)).toEqual(
        found.map(({ distance }) => distance).sort((a, b) => a - b),
      );
    }
    expect(hits / (queries.length * 10)).toBeGreaterThanOrEqual(0.95);
    await catalogue.close();
  });

  it('answers exactly on demand, and while the graph is being built', async () => {
    const all = items(3);
    const catalogue = await filled(all, { ...walking, chunkMs: 0, tail: 0 });
    expect((await catalogue.stats()).graph.state).toBe('building');
    for (const query of clustered(10, width, 60, 4)) {
      const truth = naive(all, query, 20, () => true);
      expect((await catalogue.search(query, { limit: 20, exact: true })).map(({ item }) => item.id)).toEqual(truth);
      expect((await catalogue.search(query, { limit: 20 })).map(({ item }) => item.id)).toEqual(truth);
    }
    await catalogue.close();
  });

  it('finds what matches a filter, be it half the catalogue or a few', async () => {
    const all = items(5);
    const catalogue = await filled(all);
    await catalogue.settled();
    const cases: { filter: Filter; keep: (item: NewItem) => boolean }[] = [
      { filter: { field: 'half', in: [1] }, keep: ({ metadata }) => metadata['half'] === 1 },
      {
        filter: { field: 'group', in: [0, '3'] },
        keep: ({ metadata }) => [0, 3].includes(Number(metadata['group'])),
      },
      { filter: { field: 'rare', in: [7] }, keep: ({ metadata }) => metadata['rare'] === 7 },
      { filter: { field: 'label', in: ['class 3'] }, keep: ({ label }) => label === 'class 3' },
      {
        filter: {
          and: [
            { field: 'half', in: [0] },
            { field: 'group', in: [1, 2, 4] },
          ],
        },
        keep: ({ metadata }) => metadata['half'] === 0 && [1, 2, 4].includes(Number(metadata['group'])),
      },
    ];
    for (const { filter, keep } of cases) {
      let hits = 0;
      let wanted = 0;
      for (const query of clustered(20, width, 60, 6)) {
        const truth = naive(all, query, 25, keep);
        const found = await catalogue.search(query, { limit: 25, filter });
        const exact = await catalogue.search(query, { limit: 25, filter, exact: true });
        expect(found).toHaveLength(truth.length);
        expect(found.every(({ item }) => keep({ ...item, embedding: query }))).toBe(true);
        expect(exact.map(({ item }) => item.id)).toEqual(truth);
        hits += found.filter(({ item }) => truth.includes(item.id)).length;
        wanted += truth.length;
      }
      expect(hits / wanted).toBeGreaterThanOrEqual(0.95);
    }
    await catalogue.close();
  });

  it('finds what was put a moment ago and nothing that was deleted or replaced', async () => {
    const all = items(7);
    const catalogue = await filled(all);
    await catalogue.settled();
    const [query = new Float32Array(width)] = clustered(1, width, 60, 8);
    const before = (await catalogue.search(query, { limit: 5 })).map(({ item }) => item.id);
    const [gone = '', moved = ''] = before;
    await catalogue.delete([gone]);
    await catalogue.put([
      newItem('fresh', query),
      newItem(
        moved,
        query.map((value) => -value),
      ),
    ]);
    const after = await catalogue.search(query, { limit: 5 });
    expect(after[0]).toMatchObject({ item: { id: 'fresh' }, distance: 0 });
    expect(after.map(({ item }) => item.id)).toEqual(['fresh', ...before.slice(2), expect.any(String)]);
    await catalogue.settled();
    expect((await catalogue.search(query, { limit: 5 })).map(({ item }) => item.id)).toEqual(
      after.map(({ item }) => item.id),
    );
    await catalogue.close();
  });

  it('walks on while a graph is built in place of one of which a fifth is deleted', async () => {
    const all = items(9);
    const catalogue = await filled(all, { ...walking, chunkMs: 1 });
    await catalogue.settled();
    await catalogue.delete(all.slice(0, 700).map(({ id }) => id));
    expect((await catalogue.stats()).graph).toEqual({ state: 'ready', items: 2300, pending: 0 });
    const rest = all.slice(700);
    for (const query of clustered(5, width, 60, 10)) {
      const found = await catalogue.search(query, { limit: 10, exact: true });
      expect(found.map(({ item }) => item.id)).toEqual(naive(rest, query, 10, () => true));
    }
    await catalogue.settled();
    expect((await catalogue.stats()).graph).toEqual({ state: 'ready', items: 2300, pending: 0 });
    await catalogue.close();
  });
});

describe('the owner’s worker', () => {
  it('lets writers share commits, and finds what each wrote when it is told', async () => {
    const [folder, writers, each] = [await temporaryFolder(), 64, 4];
    const catalogue = await openEmbeddedCatalogue({ folder, create: { fingerprint, dimension: width } });
    const all = clustered(writers * each, width, 8, 3).map((embedding, i) => newItem(`item ${i}`, embedding));
    const before = await countCommits(folder);
    const write = async (writer: number): Promise<void> => {
      for (const item of all.slice(writer * each, (writer + 1) * each)) {
        expect(await catalogue.put([item])).toEqual(['added']);
        const [nearest] = await catalogue.search(item.embedding, { limit: 1 });
        expect(nearest?.item.id).toBe(item.id);
      }
    };
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
    const commits = (await countCommits(folder)) - before;
    expect(commits).toBeGreaterThan(0);
    expect(commits).toBeLessThanOrEqual(all.length / 16);
    await catalogue.close();
  });

  it('rejects everything in flight, and everything later, when it dies', async () => {
    const folder = await temporaryFolder();
    const client = new OwnerClient();
    await client.call('open', { folder, readOnly: false, create: { fingerprint, dimension }, tuning });
    // So much that no answer can come before it is ended.
    const many = Array.from({ length: 5000 }, (_, i) => newItem(`item ${i}`, new Float32Array()));
    const put = () =>
      client.call('put', { items: many, embeddings: new Float32Array(many.length * dimension).fill(0.5) });
    const ended = Promise.allSettled([put(), put()]);
    await client.terminate();
    for (const outcome of await ended) expect(outcome).toMatchObject({ reason: { code: 'worker-died' } });
    await expect(client.call('get', 'a')).rejects.toMatchObject({ code: 'worker-died' });
  });

  it('keeps the event loop free while a large put and the graph go on', async () => {
    const all = items(11);
    const catalogue = await filled([]);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await catalogue.put(all);
    await catalogue.settled();
    clearInterval(timer);
    expect(turns).toBeGreaterThan(10);
    await catalogue.close();
  });

  it('refuses calls after close, and a second close is harmless', async () => {
    const catalogue = await filled([]);
    await Promise.all([catalogue.close(), catalogue.close()]);
    await expect(catalogue.stats()).rejects.toMatchObject({ code: 'worker-died' });
  });
});
