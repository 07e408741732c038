/** Ranks of a curve unless more are asked for. */
export const cmcRanks = 50;

/**
 * Cumulative matching characteristic: entry r − 1 is the share of queries whose first relevant item has rank r or better,
 * 0 … 1, never falling. What re-identification and shop retrieval draw; its value at K is Recall@K.
 */
export function cmcCurve(firstRanks: Iterable<number>, ranks = cmcRanks): number[] {
  const found = new Float64Array(ranks);
  let queries = 0;
  for (const rank of firstRanks) {
    queries++;
    if (rank <= ranks) found[rank - 1] = (found[rank - 1] ?? 0) + 1;
  }
  let sum = 0;
  return Array.from(found, (count) => (sum += count) / queries);
}
