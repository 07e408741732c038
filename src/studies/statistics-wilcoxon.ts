/** Ranks 1 … n by size; equal values share the mean of theirs. Doubled, so that they are whole numbers. */
function doubledRanks(sizes: readonly number[]): number[] {
  return sizes.map((size) => {
    const below = sizes.filter((other) => other < size).length;
    const equal = sizes.filter((other) => other === size).length;
    return 2 * below + equal + 1;
  });
}

/**
 * Two-sided p of Wilcoxon's signed-rank test (Wilcoxon 1945), exact: every one of the 2ⁿ ways to give the signs is
 * counted, with the ranks as they are, ties included. Differences of 0 are left out. With n differences the smallest
 * p there is is 2 / 2ⁿ: 0.03125 for six, so that five or fewer can never reach 0.05.
 * @returns NaN when no difference is left
 */
export function wilcoxonSignedRank(differences: readonly number[]): number {
  // Shares of the same queries differ by whole queries: what subtracting adds must not break their ties.
  const signed = differences.map((value) => Math.round(value * 1e9) / 1e9).filter((value) => value !== 0);
  if (signed.length === 0) return NaN;
  const ranks = doubledRanks(signed.map(Math.abs));
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  const positive = ranks.reduce((sum, rank, index) => ((signed[index] ?? 0) > 0 ? sum + rank : sum), 0);
  // ways[s]: the share of all ways to give the signs whose positive ranks add up to s.
  let ways = new Float64Array(total + 1);
  ways[0] = 1;
  for (const rank of ranks) {
    const before = ways;
    ways = before.map((value, sum) => (value + (before[sum - rank] ?? 0)) / 2);
  }
  // The distribution is symmetric: both tails are twice the smaller one.
  const smaller = Math.min(positive, total - positive);
  const tail = ways.subarray(0, smaller + 1).reduce((sum, value) => sum + value, 0);
  return Math.min(1, 2 * tail);
}
