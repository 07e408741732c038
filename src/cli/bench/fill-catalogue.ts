import { setTimeout as sleep } from 'node:timers/promises';
import { KindredError } from '../../core/errors.js';
import type { SearchOptions } from '../../indexing/catalogue.js';
import type { EmbeddedCatalogue } from '../../indexing/embedded/embedded-catalogue.js';
import type { SharedContext } from './bench.js';
import type { FilterBenchData, FilterBenchSize } from './filter-data.js';

const perPut = 2000;

/** For benches that do not ask for local densities, which would be computed meanwhile. */
export const withoutDensities = { densityIdleMs: 1e8 };

/** Stores vectors and waits for their graph. @throws KindredError interrupted */
export async function fillCatalogue(
  catalogue: EmbeddedCatalogue,
  data: FilterBenchData,
  { items }: FilterBenchSize,
  { progress, signal }: SharedContext,
): Promise<void> {
  for (let from = 0; from < items; from += perPut) {
    if (signal.aborted) throw new KindredError('interrupted', 'the bench was stopped');
    const count = Math.min(perPut, items - from);
    await catalogue.put(Array.from({ length: count }, (_, i) => data.item(from + i)));
    progress({ stage: 'storing vectors', done: from + count, total: items, unit: 'vectors' });
  }
  await waitForGraph(catalogue, items, { progress, signal });
}

/** @throws KindredError interrupted */
export async function waitForGraph(
  catalogue: EmbeddedCatalogue,
  items: number,
  { progress, signal }: Pick<SharedContext, 'progress' | 'signal'>,
): Promise<void> {
  for (;;) {
    if (signal.aborted) throw new KindredError('interrupted', 'the bench was stopped');
    const { graph } = await catalogue.stats();
    progress({ stage: 'building the graph', done: graph.items, total: items, unit: 'vectors' });
    if (graph.state === 'ready') return;
    await sleep(250);
  }
}

/** Mean recall@`limit` of searches, against the exact answers. */
export async function meanRecall(
  catalogue: EmbeddedCatalogue,
  queries: readonly Float32Array[],
  options: SearchOptions,
): Promise<number> {
  let sum = 0;
  for (const query of queries) sum += (await catalogue.recall(query, options)) ?? NaN;
  return sum / queries.length;
}
