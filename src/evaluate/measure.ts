import type { ReportProgress } from '../core/progress.js';
import type { QueryRanks } from '../metrics/rank-block.js';
import {
  accumulateRetrieval,
  checkKs,
  searchable,
  type RetrievalMetrics,
  type RetrievalOptions,
} from '../metrics/retrieval.js';
import { stopIfAborted } from './embed-items.js';
import { plainSearch, type ExactSearch } from './exact/search.js';

/** Multiplications of a full comparison from which worker threads are worth starting: about a second of plain loops. */
const worthThreads = 2e9;

/** The search for a set of this size; the answers are the same either way. Close it. */
export async function searchFor(
  queries: number,
  gallery: number,
  dimension: number,
  threads: number | undefined,
): Promise<ExactSearch> {
  if (queries * gallery * dimension < worthThreads) return plainSearch;
  const { openSearchPool } = await import('./exact/search-pool.js');
  return openSearchPool(threads);
}

export interface MeasureOptions extends RetrievalOptions {
  readonly search: ExactSearch;
  /** The group of each query, e.g. its category. */
  readonly groupOf?: ((query: number) => string) | undefined;
  /** Sees every query with its ranks, for measurements of single queries. */
  readonly onQuery?: ((query: QueryRanks) => void) | undefined;
  readonly stage: string;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

export interface Measured {
  readonly metrics: RetrievalMetrics;
  /** Those of each group's queries, which search among all images as the others do; groups in code-unit order. */
  readonly groups: ReadonlyMap<string, RetrievalMetrics>;
}

/** Like `retrievalMetrics`, with progress, groups, and a stop in between. @throws KindredError interrupted, and as that does */
export async function measureRetrieval(options: MeasureOptions): Promise<Measured> {
  const { search, groupOf, onQuery, stage, progress, signal, ks, labels } = options;
  checkKs(ks, searchable(options));
  const all = accumulateRetrieval(ks);
  const groups = new Map<string, ReturnType<typeof accumulateRetrieval>>();
  const total = labels.length;
  let done = 0;
  for await (const queries of search.ranks(options)) {
    for (const query of queries) {
      all.add(query);
      onQuery?.(query);
      if (!groupOf) continue;
      const name = groupOf(query.query);
      const group = groups.get(name) ?? accumulateRetrieval(ks);
      groups.set(name, group);
      group.add(query);
    }
    done += queries.length;
    progress({ stage, done, total, unit: 'queries' });
    stopIfAborted(signal);
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return { metrics: all.finish(), groups: new Map(sorted.map(([name, group]) => [name, group.finish()])) };
}
