import type { Filter, SearchOptions } from '../../indexing/catalogue.js';
import { type EmbeddedCatalogue, openEmbeddedCatalogue } from '../../indexing/embedded/embedded-catalogue.js';
import type { BenchResult, PlainBench, SharedContext } from './bench.js';
import { compare } from './compare.js';
import { fillCatalogue, meanRecall, withoutDensities } from './fill-catalogue.js';
import { createFilterData, type FilterBenchSize, shares } from './filter-data.js';

const limit = 10;

/** The fewest results of a query, over as many as there are. */
async function fullestOf(
  catalogue: EmbeddedCatalogue,
  queries: readonly Float32Array[],
  options: SearchOptions,
): Promise<number> {
  let fullest = 1;
  for (const query of queries) fullest = Math.min(fullest, (await catalogue.search(query, options)).length / limit);
  return fullest;
}

async function run(context: SharedContext, size: FilterBenchSize): Promise<BenchResult[]> {
  const { folder, runs, progress, signal } = context;
  const data = createFilterData(size);
  const create = { fingerprint: 'bench filter', dimension: size.dimension };
  const catalogue = await openEmbeddedCatalogue({ folder, create, tuning: withoutDensities });
  try {
    await fillCatalogue(catalogue, data, size, context);
    const queries = Array.from({ length: size.queries }, (_, i) => data.query(i));
    const rate = (filter: Filter | undefined) => async (): Promise<number> => {
      const started = performance.now();
      for (const query of queries) await catalogue.search(query, { limit, ...(filter && { filter }) });
      return queries.length / ((performance.now() - started) / 1000);
    };
    const results: BenchResult[] = [];
    const row = async (name: string, share: number, filter: Filter | undefined, goals: boolean): Promise<void> => {
      const options = { limit, ...(filter && { filter }) };
      const recall = await meanRecall(catalogue, queries, options);
      const fullest = await fullestOf(catalogue, queries, options);
      const of = `${size.items} × ${size.dimension}`;
      results.push({
        name: `filter.recall@10 ${name}`,
        value: recall,
        runs: 1,
        ...(goals && { goal: { is: 'at least', must: 0.99 } }),
        note: `${queries.length} queries among ${of}; ${fullest === 1 ? 'every answer full' : 'answers that are not full'}`,
        detail: { share, recall, fullest },
      });
      if (filter === undefined) return;
      const theirs = { unfiltered: rate(undefined) };
      const found = await compare({ name: `filter ${name}`, ours: rate(filter), theirs, runs, progress, signal });
      results.push({
        name: `filter.speed ${name}`,
        ratio: found.ratio,
        runs,
        ...(goals && { goal: { is: 'at least', must: share >= 0.1 ? 0.5 : 0.3 } }),
        note: `${found.ours.toFixed(0)} queries/s against ${found.theirs.toFixed(0)} without a filter`,
        detail: { unit: 'queries/s', share, ...found },
      });
    };
    await row('of everything', 1, undefined, true);
    for (const share of shares) await row(`${share * 100} %`, share, data.even(share), true);
    for (const share of shares.slice(0, 3)) await row(`${share * 100} % category`, share, data.clustered(share), false);
    return results;
  } finally {
    await catalogue.close();
  }
}

export function createFilterBench(size: FilterBenchSize): PlainBench {
  return {
    summary: 'filtered searches against unfiltered ones (goals: 0.5 and 0.3), and the recall of both (goal: 0.99)',
    plain: true,
    run: (context) => run(context, size),
  };
}

export const filterBench = createFilterBench({ items: 100_000, dimension: 128, clusters: 1000, queries: 300 });
