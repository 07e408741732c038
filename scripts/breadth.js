// Recall and speed by breadth (ef) of the graph search: node scripts/breadth.js [ITEMS], after npm run build. A line of JSON each.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFilterData } from '../dist/cli/bench/filter-data.js';
import { openEmbeddedCatalogue } from '../dist/indexing/embedded/embedded-catalogue.js';

const items = Number(process.argv[2] ?? 100_000);
const dimension = 128;
const limit = 20;
const queries = 200;
const data = createFilterData({ items, dimension, clusters: items / 100, queries });
const folder = mkdtempSync(join(tmpdir(), 'kindred-breadth-'));
const create = { fingerprint: 'breadth', dimension };
const catalogue = await openEmbeddedCatalogue({ folder, create, tuning: { densityIdleMs: 1e8 } });
for (let from = 0; from < items; from += 2000) {
  const count = Math.min(2000, items - from);
  await catalogue.put(Array.from({ length: count }, (_, i) => data.item(from + i)));
}
while ((await catalogue.stats()).graph.state !== 'ready') await new Promise((resolve) => setTimeout(resolve, 250));

for (const ef of [20, 32, 48, 64, 100, 200, 400]) {
  let recall = 0;
  for (let i = 0; i < queries; i++) recall += await catalogue.recall(data.query(i), { limit, ef });
  const times = [];
  for (let i = 0; i < 1000; i++) {
    const begun = performance.now();
    await catalogue.search(data.query(i % queries), { limit, ef });
    times.push(performance.now() - begun);
  }
  const ms = times.sort((a, b) => a - b)[500];
  const rounded = { recall: Math.round((recall / queries) * 10_000) / 10_000, ms: Math.round(ms * 100) / 100 };
  console.log(JSON.stringify({ items, dimension, limit, ef, ...rounded }));
}
await catalogue.close();
rmSync(folder, { recursive: true });
