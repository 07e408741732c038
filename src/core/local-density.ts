/** Neighbours that a local density is taken over. */
export const densityNeighbours = 10;

/** Mean squared distances below this count as this: exact duplicates would be infinitely dense. */
const leastSpread = 1e-6;

/**
 * Local density of a point: −log of the mean squared distance to its 10 nearest other items, fewer where there are not
 * that many. On the unit sphere −1.4 (alone) … 13.8 (ten duplicates).
 * @param distances squared Euclidean, nearest first; what comes after the tenth is not looked at
 * @returns null where there is no other item
 */
export function localDensity(distances: ArrayLike<number>): number | null {
  const count = Math.min(densityNeighbours, distances.length);
  if (count === 0) return null;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += distances[i] ?? 0;
  return -Math.log(Math.max(leastSpread, sum / count));
}

/**
 * How many of the first results to keep so that as many as possible stay, yet their expected precision (the mean of
 * their scores) is at least `precision`.
 * @param scores probabilities that a result is right, in the order of the results
 * @returns 0 … scores.length
 */
export function expectedPrecisionCut(scores: ArrayLike<number>, precision: number): number {
  let sum = 0;
  let kept = 0;
  for (let i = 0; i < scores.length; i++) {
    sum += scores[i] ?? 0;
    // A hair of tolerance: ten scores of 0.9 do not add up to 9.
    if (sum >= precision * (i + 1) - 1e-12) kept = i + 1;
  }
  return kept;
}
