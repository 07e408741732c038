/** P@K: the share of the K nearest that is relevant. A class with fewer than K others cannot reach 1. */
export function precisionAtK(ranks: Int32Array, k: number): number {
  let found = 0;
  while ((ranks[found] ?? Infinity) <= k) found++;
  return found / k;
}
