/**
 * MAP@R of one query (Musgrave, Belongie, Lim: "A Metric Learning Reality Check", 2020): (1/R) Σ_{i=1…R} P(i), where
 * P(i) is P@i when the i-th nearest is relevant, else 0. Unlike mAP it ignores what comes after rank R.
 */
export function mapAtR(ranks: Int32Array): number {
  let sum = 0;
  for (let found = 0; (ranks[found] ?? Infinity) <= ranks.length; found++) sum += (found + 1) / (ranks[found] ?? 1);
  return sum / ranks.length;
}
