import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { keptAlive } from '../../src/core/keep-alive.js';
import { localDensity } from '../../src/core/local-density.js';
import { squaredDistance } from '../../src/core/vectors.js';
import type { NewItem } from '../../src/indexing/catalogue.js';
import { type EmbeddedCatalogue, openEmbeddedCatalogue } from '../../src/indexing/embedded/embedded-catalogue.js';
import { type Tuning } from '../../src/indexing/embedded/format.js';
import { fingerprint, newItem } from '../contracts/catalogue.js';
import { clustered, temporaryFolder } from './helpers.js';

const width = 16;
const all = clustered(400, width, 20, 1).map((embedding, i) => newItem(`item ${i}`, embedding));
const ids = all.map(({ id }) => id);

function naive(items: readonly NewItem[]): (number | null)[] {
  return items.map(({ id, embedding }) => {
    const others = items.filter((other) => other.id !== id);
    return localDensity(others.map((other) => squaredDistance(embedding, other.embedding)).sort((a, b) => a - b));
  });
}

function expectClose(found: readonly (number | null)[], expected: readonly (number | null)[], digits = 5): void {
  expect(found).toHaveLength(expected.length);
  found.forEach((density, i) => expect(density).toBeCloseTo(expected[i] ?? NaN, digits));
}

const open = (folder: string, tuning: Partial<Tuning> = {}): Promise<EmbeddedCatalogue> =>
  openEmbeddedCatalogue({ folder, create: { fingerprint, dimension: width }, tuning });

/** Another program at the database, as an older kindred would be. */
function meddle(folder: string, ...statements: string[]): void {
  const db = keptAlive(new Database(join(folder, 'catalogue.db')));
  for (const statement of statements) keptAlive(db.prepare(statement)).run();
  db.close();
}

async function filled(tuning: Partial<Tuning> = {}): Promise<{ folder: string; catalogue: EmbeddedCatalogue }> {
  const folder = await temporaryFolder();
  const catalogue = await open(folder, tuning);
  await catalogue.put(all);
  return { folder, catalogue };
}

describe('local densities in the index', () => {
  it('are unknown at first, and those of a naive loop once the catalogue has rested', async () => {
    const { catalogue } = await filled({ densityIdleMs: 60_000 });
    expect(await catalogue.densities(ids)).toEqual(ids.map(() => null));
    await catalogue.settled();
    expectClose(await catalogue.densities(ids), naive(all));
    await catalogue.close();
  });

  it('come by themselves, with nobody waiting for them', async () => {
    const { catalogue } = await filled({ densityIdleMs: 1 });
    await expect
      .poll(async () => (await catalogue.stats()).densities, { timeout: 10_000 })
      .toEqual({ items: 400, changeNumber: 400 });
    await catalogue.close();
  });

  it('follow single items that come, go and move, without computing everything again', async () => {
    const { folder, catalogue } = await filled();
    await catalogue.settled();
    const moved = all.map((item, i) =>
      i < 6 ? { ...item, embedding: all[i + 200]?.embedding ?? item.embedding } : item,
    );
    await catalogue.put(moved.slice(0, 6));
    await catalogue.delete(ids.slice(390));
    await catalogue.settled();
    const left = moved.slice(0, 390);
    const found = await catalogue.densities(left.map(({ id }) => id));
    // Lonely items may be told late of a neighbour in a crowd; here nearly all must be exact.
    const expected = naive(left);
    const exact = found.filter((density, i) => Math.abs((density ?? NaN) - (expected[i] ?? NaN)) < 1e-5).length;
    expect(exact).toBeGreaterThanOrEqual(0.98 * left.length);
    expectClose(found, expected, 1);
    await catalogue.close();
    const db = keptAlive(new Database(join(folder, 'catalogue.db'), { readonly: true }));
    const count = keptAlive(db.prepare<[], { n: number }>('SELECT COUNT(*) AS n FROM densities WHERE change > 400'));
    expect(count.get()?.n).toBeLessThan(390);
    const orphans = keptAlive(db.prepare('SELECT row FROM densities WHERE row NOT IN (SELECT row FROM items)'));
    expect(orphans.all()).toEqual([]);
    db.close();
  });

  it('are computed after opening an index that an older kindred made', async () => {
    const { folder, catalogue } = await filled();
    await catalogue.close();
    meddle(folder, 'DROP TABLE densities', "DELETE FROM meta WHERE key = 'densities'");
    const reader = await openEmbeddedCatalogue({ folder, readOnly: true });
    await reader.settled();
    expect(await reader.densities(ids.slice(0, 2))).toEqual([null, null]);
    expect(await reader.search(all[0]?.embedding ?? new Float32Array(width), { limit: 1 })).toMatchObject([
      { item: { id: 'item 0' }, density: null },
    ]);
    await reader.close();
    const later = await open(folder);
    await later.settled();
    expectClose(await later.densities(ids), naive(all));
    await later.close();
  });

  it('are brought up to date after a kill, and after an older kindred wrote', async () => {
    const { folder, catalogue } = await filled();
    await catalogue.settled();
    await catalogue.close();
    // As if the last change had come with no time left for the densities.
    meddle(
      folder,
      'UPDATE densities SET density = 0',
      'UPDATE densities SET density = 1e999 WHERE row = 1',
      "INSERT INTO changes (op, id, row, stamp) VALUES ('put', 'item 0', 1, 7)",
    );
    const later = await open(folder, { densityIdleMs: 60_000 });
    expect((await later.stats()).densities.changeNumber).toBe(400);
    // What fails its checksum is no density.
    expect(await later.densities(['item 7'])).toEqual([null]);
    await later.settled();
    expectClose(await later.densities(ids), naive(all));
    expect((await later.stats()).densities).toEqual({ items: 400, changeNumber: 401 });
    await later.close();
  });

  it('are there for a reader', async () => {
    const { folder, catalogue } = await filled();
    await catalogue.settled();
    const reader = await openEmbeddedCatalogue({ folder, readOnly: true });
    expect(await reader.densities(ids)).toEqual(await catalogue.densities(ids));
    await reader.close();
    await catalogue.close();
  });

  it('are nearly the same from the graph as from every vector', async () => {
    const walking = await filled({ scanBelow: 0, scanShare: 0 });
    await walking.catalogue.settled();
    const exact = naive(all);
    const found = await walking.catalogue.densities(ids);
    const same = found.filter((density, i) => Math.abs((density ?? NaN) - (exact[i] ?? NaN)) < 1e-5).length;
    expect(same).toBeGreaterThanOrEqual(0.98 * all.length);
    expectClose(found, exact, 1);
    for (const embedding of clustered(20, width, 20, 2)) {
      const [graph, scan] = await Promise.all([
        walking.catalogue.search(embedding, { limit: 10 }),
        walking.catalogue.search(embedding, { limit: 10, exact: true }),
      ]);
      // What both find has one distance and one density, hence one score.
      for (const neighbour of graph) {
        const twin = scan.find(({ item }) => item.id === neighbour.item.id);
        if (twin !== undefined) expect(neighbour).toEqual(twin);
      }
      const [near, all10] = await Promise.all([
        walking.catalogue.densityAt(embedding),
        walking.catalogue.densityAt(embedding, { exact: true }),
      ]);
      expect(near).toBeCloseTo(all10 ?? NaN, 1);
      expect(all10).toBeCloseTo(localDensity(scan.map(({ distance }) => distance)) ?? NaN, 9);
    }
    await walking.catalogue.close();
  });
});
