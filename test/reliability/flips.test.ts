import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KindredError } from '../../src/core/errors.js';
import { silent } from '../../src/core/progress.js';
import { createRandom } from '../../src/core/random.js';
import { type GraphLoad, loadGraph } from '../../src/indexing/embedded/graph-file.js';
import { openIndex } from '../../src/indexing/index-folder.js';
import { createIndex } from '../../src/indexing/folder/create.js';
import { createSnapshot } from '../../src/indexing/snapshot/create.js';
import { verifySnapshot } from '../../src/indexing/snapshot/verify.js';
import { readBundle, writeBundle } from '../../src/model/bundle.js';
import { goldenArrays, goldenImages } from '../../src/model/bundle/golden.js';
import { newItem } from '../contracts/catalogue.js';
import { clustered } from '../indexing/helpers.js';
import { tinyEncoder } from '../model/tiny-onnx.js';
import { record, scaleOf } from './scale.js';

const graphs = scaleOf('KINDRED_SOAK_GRAPH_FLIPS', 300);
const others = scaleOf('KINDRED_SOAK_FLIPS', 16);
const timeout = 30_000 + graphs * 20 + others * 1000;
const random = createRandom('flips');
const work = { progress: silent, signal: new AbortController().signal };

let root: string;
/** An index, a snapshot and a bundle, none of them ever changed: what is damaged is a copy. */
let original: string;
let snapshot: string;
let bundle: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kindred-flips-'));
  bundle = join(root, 'bundle');
  const tiny = tinyEncoder();
  const golden = goldenArrays(tiny.expected(goldenImages(tiny.inputSize), 3), tiny.dimension);
  const backbone = { name: 'tiny', cut: 'none', scale: { multiply: 1, add: 0 }, source: 'a test' };
  const nothing = { loss: null, densityTerm: null, training: null, dataset: null, metrics: { 'recall@1': 0.5 } };
  const { fingerprint, dimension } = await writeBundle(bundle, { ...tiny, golden, backbone, ...nothing });
  original = join(root, 'index');
  const index = await createIndex(original, { bundleFolder: bundle, fingerprint, dimension });
  const vectors = clustered(300, dimension, 12, 1);
  const colours = ['red', 'green', 'blue'];
  await index.catalogue.put(
    vectors.map((embedding, i) =>
      newItem(`item ${i}`, embedding, {
        label: `class ${i % 12}`,
        metadata: { price: i / 4, colour: colours[i % 3] ?? '' },
      }),
    ),
  );
  await index.catalogue.settled();
  await index.close();
  snapshot = join(root, 'snapshot');
  await createSnapshot(original, snapshot, work);
});
afterAll(() => rm(root, { recursive: true }));

const whole = (below: number): number => Math.floor(random() * below);

/** Flips a bit, overwrites a run, cuts the end off, or adds to it. Never gives back what it was given. */
function damage(bytes: Buffer): { readonly bytes: Buffer; readonly how: string } {
  const at = whole(bytes.length);
  const kind = whole(8);
  if (kind === 0) return { bytes: bytes.subarray(0, at), how: `cut at ${at}` };
  if (kind === 1)
    return { bytes: Buffer.concat([bytes, Buffer.alloc(1 + whole(100), whole(256))]), how: 'made longer' };
  const changed = Buffer.from(bytes);
  if (kind === 2) {
    changed.fill(whole(256), at, Math.min(bytes.length, at + 1 + whole(64)));
    if (!changed.equals(bytes)) return { bytes: changed, how: `overwritten at ${at}` };
  }
  changed[at] = (changed[at] ?? 0) ^ (1 << whole(8));
  return { bytes: changed, how: `a bit flipped at ${at}` };
}

/** What becomes of an attempt: its result, or the code it failed with. Anything but a KindredError fails the test. */
async function outcomeOf<T>(attempt: Promise<T>, what: string): Promise<T | KindredError> {
  try {
    return await attempt;
  } catch (error) {
    if (error instanceof KindredError && error.message !== '') return error;
    throw new Error(`${what}: no proper error`, { cause: error });
  }
}

/** Where two lists of answers differ, in a few words. */
function difference(right: readonly string[], other: readonly string[]): string {
  const at = right.findIndex((answer, index) => answer !== other[index]);
  if (at < 0) return '';
  const [a = '', b = ''] = [right[at], other[at]];
  let from = 0;
  while (a[from] === b[from]) from++;
  return `answer ${at}: ${a.slice(from - 60, from + 40)} | ${b.slice(from - 60, from + 40)}`;
}

/** Everything that a search can tell of the catalogue in a folder. */
async function answersOf(folder: string): Promise<string[]> {
  const index = await openIndex(folder);
  const { catalogue } = index;
  try {
    await catalogue.settled();
    const filters = [
      undefined,
      { field: 'price', gte: 10, lt: 40 },
      { and: [{ field: 'label', in: ['class 3', 'class 4'] }, { not: { field: 'colour', in: ['red'] } }] },
      { field: 'colour', exists: true },
    ];
    const answers: unknown[] = [];
    for (const query of clustered(3, catalogue.dimension, 3, 99)) {
      for (const filter of filters) {
        answers.push(await catalogue.search(query, { limit: 20, exact: true, ...(filter && { filter }) }));
      }
      answers.push((await catalogue.search(query, { limit: 1 }))[0]?.item.id);
    }
    const { items, labels, dimension, fingerprint, fields, densities } = await catalogue.stats();
    answers.push(await catalogue.scan({ limit: 1000 }), items, labels, dimension, fingerprint, fields, densities.items);
    // A density that is computed again may differ in its last digits.
    return answers.map((one) => JSON.stringify(one).replace(/("density":-?\d+\.\d{6})\d*/g, '$1'));
  } finally {
    await index.close();
  }
}

/** Without its checksum, whose name a flip may change. */
function infoOf({
  info: { count, dimension, m, efConstruction, catalogue, changeNumber, changeStamp },
}: GraphLoad & { ok: true }): string {
  return JSON.stringify([count, dimension, m, efConstruction, catalogue, changeNumber, changeStamp]);
}

it(`none of ${graphs} damages to the graph's files is taken for a graph`, { timeout }, async () => {
  const index = join(root, 'graph');
  await cp(original, index, { recursive: true, verbatimSymlinks: true });
  const right = await answersOf(index);
  const folder = join(index, 'versions', '1');
  const intact = join(original, 'versions', '1');
  const undamaged = await loadGraph(folder);
  const rightInfo = undamaged.ok ? infoOf(undamaged) : '';
  const found: Record<string, number> = {};
  for (let run = 0; run < graphs; run++) {
    const name = run % 10 === 0 ? 'graph.json' : 'graph.hnsw';
    const path = join(folder, name);
    const before = await readFile(path);
    const { bytes, how } = damage(before);
    await writeFile(path, bytes);
    const loaded = await loadGraph(folder);
    const said = loaded.ok ? 'says the same' : loaded.reason;
    // What says the same is no damage: white space, or the name of the checksum.
    const harmless = loaded.ok && name === 'graph.json' && infoOf(loaded) === rightInfo;
    expect(loaded.ok && !harmless, `${name}, ${how}: ${said}`).toBe(false);
    found[said] = (found[said] ?? 0) + 1;
    // Now and then all the way: the answers are those of the catalogue all the same.
    if (run % Math.ceil(graphs / Math.max(2, graphs / 100)) === 0)
      expect(difference(right, await answersOf(index)), how).toBe('');
    await writeFile(path, before);
    await cp(join(intact, 'graph.json'), join(folder, 'graph.json'));
    await cp(join(intact, 'graph.hnsw'), join(folder, 'graph.hnsw'));
  }
  record({ test: 'flips of the graph', damages: graphs, crashes: 0, taken: 0, found });
});

it(`none of ${others} damages to the database changes an answer unnoticed`, { timeout }, async () => {
  const folder = join(root, 'database');
  await cp(original, folder, { recursive: true, verbatimSymlinks: true });
  const right = await answersOf(folder);
  const found: Record<string, number> = {};
  for (let run = 0; run < others; run++) {
    await rm(folder, { recursive: true });
    await cp(original, folder, { recursive: true, verbatimSymlinks: true });
    const path = join(folder, 'versions', '1', 'catalogue.db');
    const { bytes, how } = damage(await readFile(path));
    await writeFile(path, bytes);
    const outcome = await outcomeOf(answersOf(folder), how);
    const said = outcome instanceof KindredError ? outcome.code : 'right answers';
    if (outcome instanceof KindredError) expect(outcome.message, how).toContain(folder);
    else expect(difference(right, outcome), how).toBe('');
    found[said] = (found[said] ?? 0) + 1;
  }
  record({ test: 'flips of the database', damages: others, crashes: 0, wrongAnswers: 0, found });
});

it.each([
  ['bundle', () => bundle, (folder: string) => readBundle(folder)],
  ['snapshot', () => snapshot, (folder: string) => verifySnapshot(folder, work)],
] as const)(`none of ${others} damages to a %s goes unnoticed`, { timeout }, async (what, source, read) => {
  const folder = join(root, `damaged ${what}`);
  const found: Record<string, number> = {};
  await cp(source(), folder, { recursive: true, verbatimSymlinks: true });
  const right = JSON.stringify(await read(folder));
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
  for (let run = 0; run < others; run++) {
    const path = names[run % names.length] ?? '';
    const before = await readFile(path);
    const { bytes, how } = damage(before);
    await writeFile(path, bytes);
    const outcome = await outcomeOf<unknown>(read(folder), `${path}, ${how}`);
    if (outcome instanceof KindredError) found[outcome.code] = (found[outcome.code] ?? 0) + 1;
    // What JSON does not mean anything by may change: white space.
    else expect(JSON.stringify(outcome), `${path}, ${how}`).toBe(right);
    await writeFile(path, before);
  }
  expect(Object.keys(found).length, JSON.stringify(found)).toBeGreaterThan(0);
  record({ test: `flips of a ${what}`, damages: others, crashes: 0, unnoticed: 0, found });
});
