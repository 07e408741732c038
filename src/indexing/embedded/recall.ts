import type { SearchOptions } from '../catalogue.js';
import type { Searcher } from './search.js';
import type { VectorStore } from './vector-store.js';

export interface RecallParts {
  readonly store: VectorStore;
  readonly searcher: Searcher;
  /** Grows with every write; nothing is worth comparing across one. */
  readonly writes: () => number;
  /** How long to compute before others get their turn, in milliseconds. */
  readonly chunkMs: number;
}

/** Vectors between two looks at the clock. */
const stride = 256;

/** See Catalogue.recall. */
export async function measureRecall(
  { store, searcher, writes, chunkMs }: RecallParts,
  query: Float32Array,
  options: SearchOptions,
): Promise<number | null> {
  const began = writes();
  const excluded = searcher.slotsOf(options.exclude);
  const answer = searcher.nearest(query, { ...options, exact: false }, excluded);
  const among = searcher.matching(options.filter)?.slots();
  const exact = searcher.empty(options, excluded);
  const count = among?.length ?? store.slots;
  let paused = performance.now();
  for (let from = 0; from < count; from += stride) {
    store.scan(query, exact, among, from, Math.min(count, from + stride));
    if (performance.now() - paused < chunkMs) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (writes() !== began) return null;
    paused = performance.now();
  }
  const truth = exact.sorted();
  const farthest = truth.at(-1)?.distance;
  if (farthest === undefined) return null;
  // By distance: of items equally far away, any is as right as another.
  return answer.filter(({ distance }) => distance <= farthest).length / truth.length;
}
