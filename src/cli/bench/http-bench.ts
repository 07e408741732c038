import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import { createRandom } from '../../core/random.js';
import { workerUrl } from '../../core/worker-url.js';
import { openEmbeddedCatalogue } from '../../indexing/embedded/embedded-catalogue.js';
import type { BenchResult, PlainBench, SharedContext } from './bench.js';
import { compare } from './compare.js';
import { fillCatalogue } from './fill-catalogue.js';
import { createFilterData, type FilterBenchSize } from './filter-data.js';
import { getAll } from './http-client.js';

const connections = 16;
const warmUpPasses = 3;

const addressesSchema = z.object({ search: z.url(), constant: z.url() });

interface Measured extends z.infer<typeof addressesSchema> {
  stop(): void;
}

async function startSide(folder: string, bytes: number): Promise<Measured> {
  const script = fileURLToPath(workerUrl('./http-side.js', import.meta.url));
  const child = spawn(process.execPath, [script, folder, String(bytes)], { stdio: ['pipe', 'pipe', 'inherit'] });
  for await (const line of createInterface(child.stdout)) {
    return { ...addressesSchema.parse(JSON.parse(line)), stop: () => void child.stdin.end() };
  }
  throw new KindredError('internal', 'the measured server did not start');
}

async function run(context: SharedContext, size: FilterBenchSize): Promise<BenchResult[]> {
  const { folder, runs, progress, signal } = context;
  const data = createFilterData(size);
  const create = { fingerprint: 'bench http', dimension: size.dimension };
  const catalogue = await openEmbeddedCatalogue({ folder, create });
  try {
    await fillCatalogue(catalogue, data, size, context);
    progress({ stage: 'local densities', done: 0 });
    await catalogue.settled();
  } finally {
    await catalogue.close();
  }
  // Distinct items, and other ones in each measurement, so that nothing could be kept from the one before.
  const random = createRandom('bench http');
  const drawn = Array.from({ length: size.items }, (_, at) => at).sort(() => random() - 0.5);
  let next = 0;
  const paths = (): string[] =>
    Array.from({ length: size.queries }, () => {
      const at = drawn[next++ % drawn.length] ?? 0;
      return `/v1/items/${encodeURIComponent(`item ${at}`)}/similar`;
    });

  const probe = await startSide(folder, 0);
  const { size: bytes } = await getAll(probe.search, paths(), connections).finally(() => probe.stop());
  const server = await startSide(folder, Math.round(bytes));
  try {
    const search = async (): Promise<number> => (await getAll(server.search, paths(), connections)).rate;
    const constant = async (): Promise<number> => (await getAll(server.constant, paths(), connections)).rate;
    for (let pass = 0; pass < warmUpPasses; pass++) await search().then(constant);
    const result = await compare({ name: 'http', ours: search, theirs: { constant }, runs, progress, signal });
    return [
      {
        name: 'http.id-search.vs-constant',
        ratio: result.ratio,
        runs,
        goal: { is: 'at least', must: 0.35, aim: 0.6 },
        note: `${result.ours.toFixed(0)} searches/s among ${size.items} × ${size.dimension} against ${result.theirs.toFixed(0)} constants of ${bytes.toFixed(0)} bytes, ${connections} connections`,
        detail: { unit: 'requests/s', connections, bytes, ...result },
      },
    ];
  } finally {
    server.stop();
  }
}

export function createHttpBench(size: FilterBenchSize): PlainBench {
  return {
    summary:
      'searches by id over HTTP against a route that answers with a constant behind the same middleware (goal: 0.35)',
    plain: true,
    run: (context) => run(context, size),
  };
}

export const httpBench = createHttpBench({ items: 100_000, dimension: 128, clusters: 1000, queries: 3000 });
