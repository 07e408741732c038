/** Average precision over the whole ranking: (1/R) Σ over relevant items of the precision at their rank. */
export function averagePrecision(ranks: Int32Array): number {
  let sum = 0;
  ranks.forEach((rank, index) => (sum += (index + 1) / rank));
  return sum / ranks.length;
}
