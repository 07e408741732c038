import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tuning } from '../../src/indexing/embedded/format.js';
import { Graph } from '../../src/indexing/embedded/graph.js';
import { openDatabase } from '../../src/indexing/embedded/schema.js';
import { Truth } from '../../src/indexing/embedded/truth.js';
import { VectorStore } from '../../src/indexing/embedded/vector-store.js';
import { clustered, temporaryFolder } from './helpers.js';

const dimension = 16;
const count = 400;
const vectors = clustered(count + 20, dimension, 20, 3);
const vectorOf = (row: number): Float32Array => vectors[row - 1] ?? new Float32Array(dimension);
let folder: string;
let store: VectorStore;
let graph: Graph;
let close: () => void;

beforeEach(async () => {
  folder = await temporaryFolder();
  const create = { fingerprint: 'model', dimension };
  const { db, identity } = openDatabase({ path: join(folder, 'catalogue.db'), readOnly: false, create });
  close = () => db.close();
  store = new VectorStore(dimension, count);
  graph = new Graph({ folder, store, truth: new Truth(db), identity, tuning });
  for (let row = 1; row <= count; row++) add(row);
  graph.step(Infinity);
});
afterEach(async () => {
  close();
  await rm(folder, { recursive: true });
});

function add(row: number): void {
  store.add(row, `item ${row}`, vectorOf(row));
  graph.add(row);
}
function remove(row: number): void {
  store.remove(row);
  graph.remove(row);
}
const finds = (row: number): boolean => graph.nearest(vectorOf(row), 50).includes(row);

it('is walked, and kept up, while one without the deleted points is built in its place', () => {
  const most = Math.floor(count * tuning.tombstones);
  for (let row = 1; row <= most; row++) remove(row);
  expect([graph.renewing, graph.done]).toEqual([false, true]);
  remove(most + 1);
  expect([graph.renewing, graph.done, graph.pending.size]).toEqual([true, false, 0]);
  expect(graph.usable).toBe(true);

  let steps = 0;
  let next = count;
  while (!graph.done) {
    graph.step(0); // a point or two
    steps++;
    if (steps % 40 === 0 && next < count + 5) add(++next);
    if (steps % 40 === 20 && steps < 200) remove(count - Math.floor(steps / 40)); // some are in the new graph, some are not
    expect(finds(200), `step ${steps}`).toBe(true);
  }
  expect(steps).toBeGreaterThan(100);
  expect(graph.renewing).toBe(false);
  expect(graph.items).toBe(store.size);
  // Those deleted while it was built, at most.
  expect(graph.tombstones).toBeLessThan(0.02);
  for (const row of store.rows()) expect(finds(row), `row ${row}`).toBe(true);
  for (let row = 1; row <= most + 1; row++) expect(finds(row)).toBe(false);
  expect(finds(count)).toBe(false);
});

it('is as good after its points were exchanged as before', () => {
  const recall = (): number => {
    let right = 0;
    const rows = [...store.rows()].slice(0, 100);
    for (const row of rows) if (finds(row)) right++;
    return right / rows.length;
  };
  expect(recall()).toBe(1);
  for (let row = 1; row <= count / 2; row++) remove(row);
  while (!graph.step(Infinity));
  expect([graph.items, recall()]).toEqual([count / 2, 1]);
});
