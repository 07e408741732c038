// What an index of N items takes and how fast it is searched: node scripts/sizing.js [N …], after npm run build.
// Vectors of 128 values in clusters, as embeddings of a catalogue lie; a label and one field of metadata each.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, gaussian } from '../dist/core/random.js';
import { openEmbeddedCatalogue } from '../dist/indexing/embedded/embedded-catalogue.js';

const dimension = 128;
const perCluster = 50;

function vectors(count) {
  const random = createRandom('sizing');
  const rows = [];
  let centre = [];
  for (let i = 0; i < count; i++) {
    if (i % perCluster === 0) centre = Array.from({ length: dimension }, () => gaussian(random));
    const row = Float32Array.from(centre, (value) => value + 0.5 * gaussian(random));
    const length = Math.hypot(...row);
    rows.push(row.map((value) => value / length));
  }
  return rows;
}

const megabytes = (bytes) => Math.round(bytes / 1e5) / 10;
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

for (const count of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10_000, 50_000]) {
  const folder = mkdtempSync(join(tmpdir(), 'kindred-sizing-'));
  const rows = vectors(count);
  const identity = { fingerprint: 'sizing', dimension };
  let catalogue = await openEmbeddedCatalogue({ folder, create: identity });
  const facts = { imagePath: null, width: null, height: null };
  const started = performance.now();
  for (let first = 0; first < count; first += 1000) {
    const items = rows.slice(first, first + 1000).map((embedding, offset) => {
      const id = `item/${first + offset}`;
      const contentHash = String(first + offset).padStart(64, '0');
      return {
        ...facts,
        id,
        label: `class ${Math.floor((first + offset) / perCluster)}`,
        metadata: { price: first % 97 },
        contentHash,
        embedding,
      };
    });
    await catalogue.put(items);
  }
  await catalogue.settled();
  const filled = (performance.now() - started) / 1000;
  await catalogue.close();
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const opening = performance.now();
  catalogue = await openEmbeddedCatalogue({ folder });
  await catalogue.search(rows[0], { limit: 10 });
  const opened = performance.now() - opening;
  const times = { graph: [], exact: [] };
  for (let i = 0; i < 200; i++) {
    for (const exact of [false, true]) {
      const begun = performance.now();
      await catalogue.search(rows[(i * 7919) % count], { limit: 10, exact });
      times[exact ? 'exact' : 'graph'].push(performance.now() - begun);
    }
  }
  const rss = process.memoryUsage().rss - before;
  await catalogue.close();
  const bytes = ['catalogue.db', 'graph.hnsw'].map((file) => statSync(join(folder, file)).size);
  rmSync(folder, { recursive: true });
  console.log(
    JSON.stringify({
      items: count,
      dimension,
      databaseMB: megabytes(bytes[0]),
      graphMB: megabytes(bytes[1]),
      memoryMB: megabytes(rss),
      memoryPerRawFloat32: Math.round((rss / (count * dimension * 4)) * 100) / 100,
      fillSeconds: Math.round(filled * 10) / 10,
      openMs: Math.round(opened),
      searchMs: Math.round(median(times.graph) * 100) / 100,
      exactMs: Math.round(median(times.exact) * 100) / 100,
    }),
  );
}
