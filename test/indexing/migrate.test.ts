import { existsSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keptAlive } from '../../src/core/keep-alive.js';
import { openEmbeddedCatalogue } from '../../src/indexing/embedded/embedded-catalogue.js';
import { formatVersion } from '../../src/indexing/embedded/format.js';
import { fingerprint, newItem } from '../contracts/catalogue.js';
import { clustered, temporaryFolder } from './helpers.js';

let folder: string;
const path = (): string => join(folder, 'catalogue.db');
const copy = (): string => `${path()}.format-1`;
const filter = { field: 'price', gte: 3, lt: 6 };

function sql(file: string, ...statements: string[]): unknown[] {
  const db = keptAlive(new Database(file));
  const results = statements.map((text) => {
    const statement = keptAlive(db.prepare(text));
    return statement.reader ? statement.pluck().all() : statement.run();
  });
  db.close();
  return results;
}
const indexes = "SELECT name FROM sqlite_master WHERE type = 'index' AND name = 'fields_by_number'";

/** A catalogue as format 1 had it. */
beforeEach(async () => {
  folder = await temporaryFolder();
  const catalogue = await openEmbeddedCatalogue({ folder, create: { fingerprint, dimension: 8 } });
  await catalogue.put(
    clustered(10, 8, 2, 1).map((embedding, i) => newItem(`item ${i}`, embedding, { metadata: { price: i } })),
  );
  await catalogue.close();
  sql(path(), 'DROP INDEX fields_by_number', 'PRAGMA user_version = 1');
});
afterEach(() => rm(folder, { recursive: true }));

it('an older format is read as it is by who only reads', async () => {
  const reader = await openEmbeddedCatalogue({ folder, readOnly: true });
  expect((await reader.scan({ limit: 10, filter })).total).toBe(3);
  await reader.close();
  expect(existsSync(copy())).toBe(false);
  expect(sql(path(), 'PRAGMA user_version')).toEqual([[1]]);
});

it('an older format is brought up to date by who writes, once, and kept as it was', async () => {
  const writer = await openEmbeddedCatalogue({ folder });
  expect(writer.notes[0]).toMatch(/^brought catalogue.db from format 1 to 2; .*catalogue.db.format-1$/);
  expect((await writer.scan({ limit: 10, filter })).total).toBe(3);
  await writer.put([newItem('new', clustered(1, 8, 1, 9)[0] ?? new Float32Array(8), { metadata: { price: 4 } })]);
  expect((await writer.scan({ limit: 10, filter })).total).toBe(4);
  await writer.close();
  expect(sql(path(), 'PRAGMA user_version', indexes)).toEqual([[formatVersion], ['fields_by_number']]);
  expect(sql(copy(), 'PRAGMA user_version', indexes, 'SELECT COUNT(*) FROM items')).toEqual([[1], [], [10]]);
  const again = await openEmbeddedCatalogue({ folder });
  expect(again.notes).toEqual([]);
  await again.close();
});

it('a damaged one is refused and left alone', async () => {
  sql(path(), "UPDATE items SET label = 'other' WHERE id = 'item 3'");
  await expect(openEmbeddedCatalogue({ folder })).rejects.toMatchObject({ code: 'index-damaged' });
  expect(sql(path(), 'PRAGMA user_version')).toEqual([[1]]);
  expect(existsSync(copy())).toBe(false);
});

it.skipIf(process.getuid?.() === 0)('nothing is changed where no copy can be kept', async () => {
  await chmod(folder, 0o500);
  await expect(openEmbeddedCatalogue({ folder })).rejects.toMatchObject({ code: 'folder-not-writable' });
  await chmod(folder, 0o700);
  expect(sql(path(), 'PRAGMA user_version')).toEqual([[1]]);
});
