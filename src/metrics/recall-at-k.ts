/** Recall@K as metric learning uses it: 1 when any of the K nearest is relevant, else 0. */
export function recallAtK(ranks: Int32Array, k: number): number {
  return (ranks[0] ?? Infinity) <= k ? 1 : 0;
}
