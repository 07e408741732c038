// Embeds a long stream of generated pictures and notes the memory at every tenth of it: it must stay flat.
//   node scripts/soak-embed.js [--images 100000] [--threads 2] [--out soak.jsonl]
// A line each: images, seconds, rssMiB. Ends with 1 when memory grew by more than 5 % after the first tenth.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { makeUntrainedModel } from '../dist/cli/bench/model.js';
import { openEmbedder } from '../dist/compose.js';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '100000' },
    threads: { type: 'string', default: String(availableParallelism()) },
    out: { type: 'string', default: 'soak.jsonl' },
  },
});
const total = Number(values.images);
const size = 96;
const different = 256;

/** Small pictures of noise, half JPEG, half PNG, as bytes. */
const pictures = await Promise.all(
  Array.from({ length: different }, (_, i) => {
    const raw = Uint8Array.from({ length: 24 * 24 * 3 }, (_value, at) => (at * (i + 7) * 2654435761) >>> 24);
    const picture = sharp(raw, { raw: { width: 24, height: 24, channels: 3 } }).resize(size + (i % 32), size);
    return (i % 2 === 0 ? picture.jpeg() : picture.png()).toBuffer();
  }),
);

const folder = await mkdtemp(join(tmpdir(), 'kindred-soak-'));
const lines = [];
let warm = 0;
try {
  await makeUntrainedModel(folder, { inputSize: size });
  const embedder = await openEmbedder(folder, { threads: Number(values.threads) });
  const start = performance.now();
  let done = 0;
  let noted = 0;
  while (done < total) {
    const count = Math.min(embedder.preferredBatch, total - done);
    const requests = Array.from({ length: count }, (_, i) => ({ image: { bytes: pictures[(done + i) % different] } }));
    for (const outcome of await embedder.embed(requests)) if (!outcome.ok) throw outcome.error;
    done += count;
    if (done < ((noted + 1) * total) / 10) continue;
    noted = Math.floor((10 * done) / total);
    const rssMiB = Math.round((process.memoryUsage().rss / 2 ** 20) * 10) / 10;
    if (noted === 1) warm = rssMiB;
    const line = JSON.stringify({ images: done, seconds: Math.round((performance.now() - start) / 100) / 10, rssMiB });
    lines.push(line);
    console.log(line);
  }
  await embedder.close();
} finally {
  await rm(folder, { recursive: true });
}
await writeFile(values.out, `${lines.join('\n')}\n`);
const growth = JSON.parse(lines.at(-1)).rssMiB / warm - 1;
console.log(`grown by ${(100 * growth).toFixed(1)} % since the first tenth`);
process.exitCode = growth <= 0.05 ? 0 : 1;
