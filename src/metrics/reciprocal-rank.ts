/** 1 / rank of the first relevant item, however far down it is. */
export function reciprocalRank(ranks: Int32Array): number {
  return 1 / (ranks[0] ?? Infinity);
}
