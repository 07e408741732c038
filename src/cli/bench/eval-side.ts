import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { ExactSearch } from '../../evaluate/exact/search.js';
import { openSearchPool } from '../../evaluate/exact/search-pool.js';
import type { LabelledRows } from '../../metrics/ranks.js';
import { accumulateRetrieval } from '../../metrics/retrieval.js';
import { type EvalJob, readEvalJob } from './eval-job.js';

/**
 * Our side of `bench eval`, in a process of its own, so that its memory is its own; told by the same lines on stdin as
 * scripts/compare/numpy_search.py.
 *   node dist/cli/bench/eval-side.js FOLDER THREADS
 */
const commandSchema = z.object({ do: z.enum(['nearest', 'ranking', 'whole']), count: z.number().default(0) });

/** Recall@K from the K nearest. */
async function recallAtK(search: ExactSearch, { dimension, k, gallery }: EvalJob, queries: LabelledRows) {
  const found = await search.nearest({ queries: queries.embeddings, gallery: gallery.embeddings, dimension, k });
  let hits = 0;
  queries.labels.forEach((label, row) => {
    const near = found.indices.subarray(row * k, (row + 1) * k);
    if (near.some((item) => gallery.labels[item] === label)) hits++;
  });
  return hits / queries.labels.length;
}

/** All measures of the full ranking, as `kindred eval` works them out; MAP@R is handed on. */
async function mapAtR(search: ExactSearch, dimension: number, queries: LabelledRows, gallery?: LabelledRows) {
  const accumulator = accumulateRetrieval([1]);
  for await (const some of search.ranks({ ...queries, dimension, ...(gallery && { gallery }) })) {
    for (const query of some) accumulator.add(query);
  }
  return accumulator.finish().mapAtR;
}

/** Most memory this process has had, MiB. */
async function peakMiB(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS) / 1024;
}

async function main(): Promise<void> {
  const [folder = '', threads = '1'] = process.argv.slice(2);
  const job = await readEvalJob(folder);
  const { dimension, gallery } = job;
  const search = await openSearchPool(Number(threads));
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: task, count } = commandSchema.parse(JSON.parse(line));
    const queries = {
      embeddings: job.queries.embeddings.subarray(0, count * dimension),
      labels: job.queries.labels.subarray(0, count),
    };
    const start = performance.now();
    let value: number;
    if (task === 'nearest') value = await recallAtK(search, job, queries);
    else if (task === 'ranking') value = await mapAtR(search, dimension, queries, gallery);
    else value = await mapAtR(search, dimension, gallery);
    const seconds = (performance.now() - start) / 1000;
    process.stdout.write(`${JSON.stringify({ seconds, value, peakMiB: await peakMiB() })}\n`);
  }
  await search.close();
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? `Error: ${error.message}` : String(error)}\n`);
  process.exit(1);
});
