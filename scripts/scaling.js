// How cost grows: with the picture's size and the batch (training), the picture's size (embedding), and the catalogue
// (search, in process). Generated weights, pictures and vectors. One JSON line a measurement. Needs `npm run build`.
//   node scripts/scaling.js [--threads N] > scaling.jsonl
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mobilenetShaped } from '../dist/cli/bench/train-network.js';
import { createRandom, gaussian } from '../dist/core/random.js';
import { l2Normalize } from '../dist/core/vectors.js';
import { openEmbeddedCatalogue } from '../dist/indexing/embedded/embedded-catalogue.js';
import { engines } from '../dist/learn/engines/registry.js';
import { withHead } from '../dist/learn/head.js';
import { createEmbedder } from '../dist/model/embedder.js';
import { exportEncoder } from '../dist/model/onnx/export.js';
import { splitBefore } from '../dist/model/surgery.js';

const { values: flags } = parseArgs({ options: { threads: { type: 'string' } } });
const threads = Number(flags.threads ?? availableParallelism());
const print = (row) => console.log(JSON.stringify(row));
const round = (value) => Number(value.toPrecision(3));
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

async function training(inputSize, batch, trainFrom) {
  const { rest } = splitBefore(withHead(mobilenetShaped(inputSize), 128, 0), trainFrom);
  const engine = await engines.get('onnx')(rest, { threads });
  const random = createRandom('scaling', inputSize);
  const size = rest.inputShape.reduce((product, side) => product * side, batch);
  const input = Float32Array.from({ length: size }, () => Math.max(0, gaussian(random)));
  const times = [];
  for (let i = 0; i < 6; i++) {
    const started = performance.now();
    await engine.gradients(input, batch, rest.parameters, (embeddings) => embeddings);
    if (i > 0) times.push(performance.now() - started);
  }
  await engine.dispose();
  print({ what: 'training', trainFrom, inputSize, batch, threads, msPerImage: round(median(times) / batch) });
}

async function embedding(inputSize) {
  const onnx = exportEncoder(withHead(mobilenetShaped(inputSize), 128, 0), { multiply: 1 / 127.5, add: -1 });
  const embedder = await createEmbedder({ onnx, inputSize, dimension: 128, fingerprint: 'scaling', threads });
  const count = Math.max(16, Math.round(1_500_000 / inputSize ** 2) * threads);
  const pixels = new Uint8Array(count * inputSize ** 2 * 3).map((_, i) => (i * 31) % 251);
  const times = [];
  for (let i = 0; i < 6; i++) {
    const started = performance.now();
    await embedder.embedRaw(pixels, count);
    if (i > 0) times.push(performance.now() - started);
  }
  await embedder.close();
  print({ what: 'embedding, without decoding', inputSize, threads, msPerImage: round(median(times) / count) });
}

/** 128 values in clusters of about 50, as embeddings of products are. */
function vectors(count) {
  const random = createRandom('vectors', count);
  const centres = Array.from({ length: Math.ceil(count / 50) }, () =>
    Float32Array.from({ length: 128 }, () => gaussian(random)),
  );
  return Array.from({ length: count }, (_, i) =>
    l2Normalize(centres[i % centres.length].map((value) => value + 0.7 * gaussian(random))),
  );
}

async function search(count) {
  const folder = await mkdtemp(join(tmpdir(), 'kindred-scaling-'));
  try {
    const catalogue = await openEmbeddedCatalogue({ folder, create: { fingerprint: 'scaling', dimension: 128 } });
    const all = vectors(count);
    const started = performance.now();
    for (let i = 0; i < count; i += 1000) {
      const items = all.slice(i, i + 1000).map((embedding, j) => ({
        id: `${i + j}`, label: null, metadata: {}, imagePath: null, width: null, height: null, contentHash: `${i + j}`.padStart(64, '0'), embedding,
      })); // prettier-ignore
      await catalogue.put(items);
    }
    await catalogue.settled();
    const filled = performance.now() - started;
    const [graph, exact, found] = [[], [], []];
    for (let i = 0; i < 300; i++) {
      const query = all[(i * 7919) % count];
      const asked = performance.now();
      const near = await catalogue.search(query, { limit: 10 });
      graph.push(performance.now() - asked);
      if (i >= 30) continue;
      const again = performance.now();
      const truth = await catalogue.search(query, { limit: 10, exact: true });
      exact.push(performance.now() - again);
      const ids = new Set(truth.map(({ item }) => item.id));
      found.push(near.filter(({ item }) => ids.has(item.id)).length / truth.length);
    }
    await catalogue.close();
    print({
      what: 'search', items: count, msPerSearch: round(median(graph)), exactMs: round(median(exact)),
      recallAt10: round(found.reduce((sum, value) => sum + value, 0) / found.length), msPerAdd: round(filled / count),
    }); // prettier-ignore
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

for (const size of [96, 128, 160, 224]) await embedding(size);
for (const size of [96, 160, 224]) await training(size, 64, 'conv_dw_6');
for (const batch of [16, 32, 128]) await training(96, batch, 'conv_dw_6');
for (const size of [96, 160]) await training(size, 64, 'conv1');
for (const count of [1000, 10_000, 100_000]) await search(count);
process.exit(0);
