// Puts items with pictures one after another: node stored-puts.js INDEX COUNT. Says "ok N" on stdout once put N is answered.
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createBlobStore } from '../../dist/indexing/blobs.js';
import { openIndex } from '../../dist/indexing/index-folder.js';
import { createItemWriter } from '../../dist/indexing/item-writer.js';

const [folder, count] = process.argv.slice(2);
const index = await openIndex(folder);
const { catalogue } = index;

/** Any bytes have an embedding: their hash as a direction. */
function embed({ image }) {
  const hash = createHash('sha256').update(image.bytes).digest();
  const values = Array.from({ length: catalogue.dimension }, (_, i) => (hash[i] ?? 0) - 127.5);
  const length = Math.hypot(...values);
  const embedding = Float32Array.from(values, (value) => value / length);
  return { ok: true, embedding, width: 8, height: 8, contentHash: hash.toString('hex') };
}
const embedder = {
  dimension: catalogue.dimension,
  fingerprint: catalogue.fingerprint,
  preferredBatch: 1,
  embed: (requests) => Promise.resolve(requests.map(embed)),
};
const writer = createItemWriter({ catalogue, embedder, blobs: createBlobStore(index.folder) });
for (let n = 1; n <= Number(count); n++) {
  const id = `item ${n}`;
  try {
    await writer.put({ id, label: null, metadata: { n }, content: { image: Buffer.from(`picture ${n}`) } });
    writeSync(1, `ok ${n}\n`);
  } catch (error) {
    writeSync(1, `failed ${n} ${error.code} ${error.message}\n`);
  }
}
try {
  await index.close();
  writeSync(1, 'closed\n');
} catch (error) {
  writeSync(1, `failed close ${error.code} ${error.message}\n`);
}
