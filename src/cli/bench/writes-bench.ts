import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom, gaussian } from '../../core/random.js';
import { l2Normalize } from '../../core/vectors.js';
import { workerUrl } from '../../core/worker-url.js';
import type { NewItem } from '../../indexing/catalogue.js';
import { openEmbeddedCatalogue } from '../../indexing/embedded/embedded-catalogue.js';
import { databaseFile } from '../../indexing/embedded/format.js';
import type { BenchResult, PlainBench, SharedContext } from './bench.js';
import { compare, median } from './compare.js';

export interface WritesBenchSize {
  /** Adds of one measurement. */
  readonly adds: number;
  readonly writers: number;
  readonly dimension: number;
}

function makeItems({ adds, dimension }: WritesBenchSize): NewItem[] {
  const random = createRandom(1);
  return Array.from({ length: adds }, (_, index) => ({
    id: `shelf/${index}.jpg`,
    label: `thing ${index % 50}`,
    metadata: { price: index, shop: 'north' },
    imagePath: null,
    width: 640,
    height: 480,
    contentHash: index.toString(16).padStart(64, '0'),
    embedding: l2Normalize(Float32Array.from({ length: dimension }, () => gaussian(random))),
  }));
}

/**
 * Transactions committed so far: the `iChange` of the write-ahead log's index (sqlite.org/walformat.html), which is in the
 * byte order of the machine. At synchronous=FULL each was one sync of the log.
 */
export async function countCommits(folder: string): Promise<number> {
  const head = await readFile(join(folder, `${databaseFile}-shm`));
  return new Uint32Array(head.buffer.slice(head.byteOffset + 8, head.byteOffset + 12))[0] ?? NaN;
}

/** Writers that each wait for their add before they make the next. Returns adds a second. */
export async function addSingly(
  catalogue: { put(items: readonly NewItem[]): Promise<unknown> },
  items: readonly NewItem[],
  writers: number,
): Promise<number> {
  const waiting = items[Symbol.iterator]();
  const start = performance.now();
  const writer = async (): Promise<void> => {
    for (const item of waiting) await catalogue.put([item]);
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return items.length / ((performance.now() - start) / 1000);
}

async function run(context: SharedContext, size: WritesBenchSize): Promise<BenchResult[]> {
  const { runs, progress, signal } = context;
  const items = makeItems(size);
  const { writers, dimension } = size;
  const shares: number[] = [];
  const unsynced = workerUrl('./unsynced-owner.js', import.meta.url);
  const measure = async (ownerScript?: URL): Promise<number> => {
    const folder = await mkdtemp(join(context.folder, 'catalogue-'));
    const create = { fingerprint: 'bench', dimension };
    const catalogue = await openEmbeddedCatalogue({ folder, create, ...(ownerScript && { ownerScript }) });
    try {
      const before = await countCommits(folder);
      const rate = await addSingly(catalogue, items, writers);
      if (!ownerScript) shares.push(((await countCommits(folder)) - before) / items.length);
      return rate;
    } finally {
      await catalogue.close();
      await rm(folder, { recursive: true });
    }
  };
  const sides = { ours: () => measure(), theirs: { 'synchronous=OFF': () => measure(unsynced) } };
  const result = await compare({ name: 'writes', ...sides, runs, progress, signal });
  const share = median(shares);
  return [
    {
      name: 'writes.vs-unsynced',
      ratio: result.ratio,
      runs,
      goal: { is: 'at least', must: 0.8 },
      note: `${result.ours.toFixed(0)} durable adds/s by ${writers} writers against ${result.theirs.toFixed(0)} that never wait for the disk`,
      detail: { unit: 'adds/s', ...size, ...result },
    },
    {
      name: 'writes.syncs-per-add',
      value: share,
      unit: 'commits',
      runs,
      goal: { is: 'at most', must: 1 / 16 },
      note: `one for ${(1 / share).toFixed(1)} acknowledged adds, ${writers} writers; each commit is one sync of the log`,
      detail: { ...size, shares },
    },
  ];
}

export function createWritesBench(size: WritesBenchSize): PlainBench {
  return {
    summary:
      'durable single adds by 64 writers against synchronous=OFF (goal: 0.8), and their syncs (goal: 1/16 an add)',
    plain: true,
    run: (context) => run(context, size),
  };
}

export const writesBench = createWritesBench({ adds: 4000, writers: 64, dimension: 128 });
