// Writes at random until it is killed: node mixed-writer.js FOLDER SEED. What is acknowledged goes to stdout, a line each:
// "start N op id" before a write is asked for, "ok N" when it is answered.
import { writeSync } from 'node:fs';
import { openEmbeddedCatalogue } from '../../dist/indexing/embedded/embedded-catalogue.js';
import { createRandom } from '../../dist/core/random.js';

const [folder, seed] = process.argv.slice(2);
const random = createRandom(Number(seed));
const catalogue = await openEmbeddedCatalogue({ folder });
const say = (text) => writeSync(1, `${text}\n`);

function item(id, version) {
  const angle = random() * Math.PI * 2;
  const embedding = Float32Array.of(Math.cos(angle), Math.sin(angle), 0, 0);
  return {
    id,
    label: version,
    metadata: {},
    imagePath: null,
    width: null,
    height: null,
    contentHash: version,
    embedding,
  };
}

let number = 0;
async function writer(lane) {
  for (;;) {
    const id = `${lane}-${Math.floor(random() * 6)}`;
    const n = `${seed}.${++number}`;
    if (random() < 0.3) {
      say(`start ${n} delete ${id}`);
      await catalogue.delete([id]);
    } else {
      say(`start ${n} put ${id}`);
      await catalogue.put([item(id, n)]);
    }
    say(`ok ${n}`);
  }
}
say('ready');
// Each lane has ids of its own, so that the order of an id's writes is that of its lane.
await Promise.all(Array.from({ length: 8 }, (_, lane) => writer(lane)));
