import { copyFile, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { keptAlive } from '../../src/core/keep-alive.js';
import { beforeEach, describe, expect, it } from 'vitest';
import { toPlainError } from '../../src/core/errors.js';
import { type EmbeddedCatalogue, openEmbeddedCatalogue } from '../../src/indexing/embedded/embedded-catalogue.js';
import { openDatabase } from '../../src/indexing/embedded/schema.js';
import { Truth } from '../../src/indexing/embedded/truth.js';
import { fingerprint, newItem } from '../contracts/catalogue.js';
import { clustered, temporaryFolder } from './helpers.js';

const width = 16;
const vectors = clustered(400, width, 20, 1);
const items = vectors.map((embedding, i) => newItem(`item ${i}`, embedding));
const tuning = { scanBelow: 0, scanShare: 0 };
let folder: string;

function openIt(options: { readOnly?: boolean } = {}): Promise<EmbeddedCatalogue> {
  return openEmbeddedCatalogue({ folder, tuning, ...options });
}

/** Every item finds itself, whatever became of the graph. */
async function expectAllFound(catalogue: EmbeddedCatalogue, count = items.length): Promise<void> {
  expect((await catalogue.stats()).items).toBe(count);
  for (const item of items.slice(0, 20)) {
    const [first] = await catalogue.search(item.embedding, { limit: 1 });
    expect(first).toMatchObject({ item: { id: item.id }, distance: 0 });
  }
}

async function flipByte(name: string, position: number): Promise<void> {
  const file = await open(join(folder, name), 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ 0x10;
  await file.write(byte, 0, 1, position);
  await file.close();
}

beforeEach(async () => {
  folder = await temporaryFolder();
  const catalogue = await openEmbeddedCatalogue({ folder, tuning, create: { fingerprint, dimension: width } });
  await catalogue.put(items);
  await catalogue.close();
});

describe('the graph’s file is a cache', () => {
  it('is used again when nothing happened', async () => {
    const catalogue = await openIt();
    expect(catalogue.notes).toEqual([]);
    expect((await catalogue.stats()).graph).toEqual({ state: 'ready', items: 400, pending: 0 });
    await expectAllFound(catalogue);
    const before = await stat(join(folder, 'graph.hnsw'));
    await catalogue.close();
    expect((await stat(join(folder, 'graph.hnsw'))).mtimeMs).toBe(before.mtimeMs);
  });

  const damages: [string, () => Promise<void>][] = [
    ['is cut short', async () => truncate(join(folder, 'graph.hnsw'), 5000)],
    ['is empty', async () => truncate(join(folder, 'graph.hnsw'), 0)],
    ['has a flipped bit', () => flipByte('graph.hnsw', 9000)],
    ['is missing', () => rm(join(folder, 'graph.hnsw'))],
    ['is without its description', () => rm(join(folder, 'graph.json'))],
    ['has a description that is no JSON', () => writeFile(join(folder, 'graph.json'), '{"sha256":')],
    ['has a description with other contents', () => writeFile(join(folder, 'graph.json'), '{"count": 3}')],
  ];
  it.each(damages)('is built anew and saved when it %s', async (_name, damage) => {
    await damage();
    const catalogue = await openIt();
    expect(catalogue.notes).toEqual([expect.stringMatching(/^building the graph anew: .*graph\.(hnsw|json)/)]);
    await expectAllFound(catalogue);
    await catalogue.settled();
    expect((await catalogue.stats()).graph).toEqual({ state: 'ready', items: 400, pending: 0 });
    await expectAllFound(catalogue);
    await catalogue.close();
    const again = await openIt();
    expect(again.notes).toEqual([]);
    await again.close();
  });

  it('is caught up when it is older than the catalogue, as after a kill', async () => {
    for (const name of ['graph.hnsw', 'graph.json']) await copyFile(join(folder, name), join(folder, `${name}.old`));
    const [query = new Float32Array(width)] = clustered(1, width, 1, 99);
    const writer = await openIt();
    await writer.put([
      newItem('late', query),
      newItem(
        'item 3',
        query.map((value) => -value),
      ),
    ]);
    await writer.delete(['item 5', 'item 6']);
    await writer.close();
    for (const name of ['graph.hnsw', 'graph.json']) await copyFile(join(folder, `${name}.old`), join(folder, name));
    const catalogue = await openIt();
    expect(catalogue.notes).toEqual([]);
    const check = async (): Promise<void> => {
      expect((await catalogue.search(query, { limit: 1 }))[0]).toMatchObject({ item: { id: 'late' }, distance: 0 });
      for (const id of ['item 3', 'item 5']) {
        const stale = items[Number(id.slice(5))]?.embedding ?? query;
        expect((await catalogue.search(stale, { limit: 1 }))[0]?.item.id).not.toBe(id);
      }
    };
    await check();
    await catalogue.settled();
    expect((await catalogue.stats()).graph).toEqual({ state: 'ready', items: 399, pending: 0 });
    await check();
    await catalogue.close();
  });

  it('is not trusted when it knows changes that the catalogue does not, as after a restored backup', async () => {
    await copyFile(join(folder, 'catalogue.db'), join(folder, 'backup.db'));
    const [another = new Float32Array(width)] = clustered(1, width, 1, 98);
    const ahead = await openIt();
    await ahead.put([newItem('only in the graph', vectors[0] ?? new Float32Array(width))]);
    await ahead.close();
    await copyFile(join(folder, 'backup.db'), join(folder, 'catalogue.db'));
    await copyFile(join(folder, 'graph.hnsw'), join(folder, 'a.hnsw'));
    await copyFile(join(folder, 'graph.json'), join(folder, 'a.json'));
    const restored = await openIt();
    expect(restored.notes).toEqual([expect.stringContaining('changes that the catalogue does not')]);
    await expectAllFound(restored);
    // The same number of changes, but others: the graph on disk must not pass for theirs.
    await restored.put([newItem('another', another)]);
    await restored.close();
    await copyFile(join(folder, 'a.hnsw'), join(folder, 'graph.hnsw'));
    await copyFile(join(folder, 'a.json'), join(folder, 'graph.json'));
    const diverged = await openIt();
    expect(diverged.notes).toEqual([expect.stringContaining('changes that the catalogue does not')]);
    expect((await diverged.search(another, { limit: 1 }))[0]).toMatchObject({ item: { id: 'another' }, distance: 0 });
    await diverged.close();
  });

  it('is not built by a reader, which scans instead', async () => {
    await rm(join(folder, 'graph.json'));
    const reader = await openIt({ readOnly: true });
    expect((await reader.stats()).graph.state).toBe('none');
    await reader.settled();
    await expectAllFound(reader);
    await expect(reader.put([items[0] ?? newItem('x', new Float32Array(width))])).rejects.toMatchObject({
      code: 'folder-not-writable',
    });
    await reader.close();
  });
});

describe('the truth', () => {
  const path = (): string => join(folder, 'catalogue.db');

  it('is no damage where somebody writes while it is read', async () => {
    const writer = await openIt();
    const { db } = openDatabase({ path: path(), readOnly: true });
    const rows = new Truth(db).load(width);
    const first = rows.next();
    await writer.put([newItem('meanwhile', vectors[0] ?? new Float32Array(width), { label: 'new' })]);
    await writer.delete(['item 5', 'item 300']);
    expect([first, ...rows]).toHaveLength(items.length);
    expect([...new Truth(db).load(width)]).toHaveLength(items.length - 1);
    db.close();
    await writer.close();
  });

  it('names the item whose row was changed behind its back', async () => {
    const bytes = await readFile(path());
    const stored = Buffer.from(items[123]?.embedding.buffer ?? new ArrayBuffer(0));
    const position = bytes.indexOf(stored);
    expect(position).toBeGreaterThan(0);
    await flipByte('catalogue.db', position + 2);
    const fault = await openIt().catch(toPlainError);
    expect(fault).toMatchObject({ code: 'index-damaged' });
    expect(fault).toHaveProperty('message', expect.stringContaining('"item 123"'));
    expect(fault).toHaveProperty('hint', expect.stringContaining('kindred index'));
  });

  it('is refused when a page is overwritten', async () => {
    const { size } = await stat(path());
    const file = await open(path(), 'r+');
    await file.write(Buffer.alloc(4096, 0xa5), 0, 4096, Math.floor(size / 4096 / 2) * 4096);
    await file.close();
    await expect(openIt()).rejects.toMatchObject({ code: 'index-damaged' });
  });

  it.each([
    ['text', 'this is not a database, though it is longer than the header of one '.repeat(20)],
    ['nothing', ''],
  ])('is refused when the file holds %s', async (_name, content) => {
    await writeFile(path(), content);
    await expect(openIt()).rejects.toMatchObject({ code: 'index-damaged' });
  });

  it('is refused when another program’s database lies there, or none', async () => {
    await rm(path());
    await expect(openIt()).rejects.toMatchObject({ code: 'index-missing' });
    keptAlive(new Database(path())).exec('CREATE TABLE other (x)').close();
    await expect(openIt()).rejects.toMatchObject({ code: 'index-damaged' });
  });

  it('is refused when a newer kindred wrote it', async () => {
    const db = keptAlive(new Database(path()));
    keptAlive(db.prepare('PRAGMA user_version = 99')).run();
    db.close();
    await expect(openIt()).rejects.toMatchObject({ code: 'index-too-new' });
  });
});
