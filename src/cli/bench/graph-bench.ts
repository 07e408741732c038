import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { workerUrl } from '../../core/worker-url.js';
import { type EmbeddedCatalogue, openEmbeddedCatalogue } from '../../indexing/embedded/embedded-catalogue.js';
import { graphFile, graphInfoFile } from '../../indexing/embedded/format.js';
import type { BenchResult, PlainBench, SharedContext } from './bench.js';
import { median } from './compare.js';
import { fillCatalogue, meanRecall, waitForGraph, withoutDensities } from './fill-catalogue.js';
import { createFilterData, type FilterBenchData, type FilterBenchSize } from './filter-data.js';

const create = { fingerprint: 'bench graph' };
const perWrite = 1000;

/** Deletes every second item and adds as many that are new, in turns. */
async function churn(
  catalogue: EmbeddedCatalogue,
  data: FilterBenchData,
  { items }: FilterBenchSize,
  { progress }: SharedContext,
): Promise<void> {
  for (let from = 0; from < items; from += perWrite) {
    const half = Array.from({ length: Math.min(perWrite, items - from) / 2 }, (_, i) => from + 2 * i);
    await catalogue.delete(half.map((at) => data.item(at).id));
    await catalogue.put(half.map((at) => data.item(items + at)));
    progress({ stage: 'exchanging half of the items', done: from + perWrite, total: items, unit: 'items' });
  }
}

const sideSchema = z.object({ ms: z.number(), rss: z.number() });

async function openElsewhere(folder: string): Promise<z.infer<typeof sideSchema>> {
  const script = fileURLToPath(workerUrl('./graph-side.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, folder]);
  return sideSchema.parse(JSON.parse(stdout));
}

async function run(context: SharedContext, size: FilterBenchSize): Promise<BenchResult[]> {
  const { items, dimension, queries } = size;
  const data = createFilterData(size);
  const folder = join(context.folder, 'full');
  const empty = join(context.folder, 'empty');
  for (const path of [folder, empty]) await mkdir(path);
  const of = `${items} × ${dimension}`;
  let catalogue = await openEmbeddedCatalogue({ folder, create: { ...create, dimension }, tuning: withoutDensities });
  const asked = Array.from({ length: queries }, (_, i) => data.query(i));
  const recallNow = (): Promise<number> => meanRecall(catalogue, asked, { limit: 10 });
  const recall = { fresh: NaN, churned: NaN };
  try {
    await fillCatalogue(catalogue, data, size, context);
    recall.fresh = await recallNow();
    await churn(catalogue, data, size, context);
    await waitForGraph(catalogue, items, context);
    await catalogue.settled();
    recall.churned = await recallNow();
  } finally {
    await catalogue.close();
  }

  await (await openEmbeddedCatalogue({ folder: empty, create: { ...create, dimension } })).close();
  const opened: number[] = [];
  const memory: number[] = [];
  for (let run = 0; run < context.runs; run++) {
    const nothing = await openElsewhere(empty);
    const full = await openElsewhere(folder);
    opened.push(full.ms);
    memory.push((full.rss - nothing.rss) / (items * dimension * Float32Array.BYTES_PER_ELEMENT));
  }
  for (const name of [graphFile, graphInfoFile]) await rm(join(folder, name));
  const started = performance.now();
  catalogue = await openEmbeddedCatalogue({ folder, tuning: withoutDensities });
  await waitForGraph(catalogue, items, context);
  const rebuilt = performance.now() - started;
  await catalogue.close();

  const recallRow = (name: string, value: number, must: number): BenchResult => ({
    name: `graph.recall@10 ${name}`,
    value,
    runs: 1,
    goal: { is: 'at least', must },
    note: `${queries} queries among ${of}, ef as it comes`,
    detail: { recall: value },
  });
  return [
    recallRow('as built', recall.fresh, 0.99),
    recallRow('after half of the items were exchanged', recall.churned, 0.985),
    {
      name: 'graph.start.vs-rebuild',
      ratio: median(opened) / rebuilt,
      runs: context.runs,
      goal: { is: 'at most', must: 0.1 },
      note: `opened in ${median(opened).toFixed(0)} ms, built anew in ${(rebuilt / 1000).toFixed(1)} s`,
      detail: { opened, rebuilt },
    },
    {
      name: 'graph.memory.vs-float32',
      ratio: median(memory),
      runs: context.runs,
      goal: { is: 'at most', must: 2.5 },
      note: `memory of a process that has opened and searched ${of}, over that of one with an empty catalogue, by the bytes of the vectors`,
      detail: { memory },
    },
  ];
}

export function createGraphBench(size: FilterBenchSize): PlainBench {
  return {
    summary: 'recall as built (goal: 0.99) and after churn (0.985), starting against rebuilding (0.1), memory (2.5)',
    plain: true,
    run: (context) => run(context, size),
  };
}

export const graphBench = createGraphBench({ items: 100_000, dimension: 128, clusters: 1000, queries: 300 });
