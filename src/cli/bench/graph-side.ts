import { openEmbeddedCatalogue } from '../../indexing/embedded/embedded-catalogue.js';
import { withoutDensities } from './fill-catalogue.js';
import { createRandom, gaussian } from '../../core/random.js';
import { l2Normalize } from '../../core/vectors.js';

/**
 * Opens the catalogue in the folder that it is started with, asks it a few things, with filters among them, and prints
 * {"ms", "rss"}: how long opening took, and the bytes of memory that the process has then.
 */
const [folder = ''] = process.argv.slice(2);
const started = performance.now();
const catalogue = await openEmbeddedCatalogue({ folder, tuning: withoutDensities });
const ms = performance.now() - started;
const random = createRandom('graph side');
const { items } = await catalogue.stats();
for (let i = 0; i < 50; i++) {
  const query = l2Normalize(Float32Array.from({ length: catalogue.dimension }, () => gaussian(random)));
  await catalogue.search(query, { limit: 10 });
  if (items > 0) await catalogue.search(query, { limit: 10, filter: { field: 'chance', lt: 1 / (i + 1) } });
}
globalThis.gc?.();
console.log(JSON.stringify({ ms, rss: process.memoryUsage().rss }));
process.exit();
