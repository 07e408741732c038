/** Bins of equal width that scores are put in. */
const bins = 15;

/** One bin of a reliability curve. */
export interface ReliabilityBin {
  /** Mean score of the pairs in it. */
  readonly score: number;
  /** Share of them that are of the same class. */
  readonly observed: number;
  readonly pairs: number;
}

export interface Reliability {
  /** Mean squared difference of score and outcome (Brier 1950): 0 is perfect; lower is better. */
  readonly brier: number;
  /** Expected calibration error over 15 bins of equal width (Naeini et al. 2015): mean of |score − observed| by pairs. */
  readonly ece: number;
  /** Bins that hold something, ascending. */
  readonly curve: readonly ReliabilityBin[];
}

/**
 * How well scores agree with what happened.
 * @param scores 0 … 1
 * @param outcomes 0 or 1, as many
 */
export function reliabilityOf(scores: ArrayLike<number>, outcomes: ArrayLike<number>): Reliability {
  const sums = Array.from({ length: bins }, () => ({ score: 0, observed: 0, pairs: 0 }));
  let squares = 0;
  for (let row = 0; row < scores.length; row++) {
    const score = scores[row] ?? 0;
    const outcome = outcomes[row] ?? 0;
    squares += (score - outcome) ** 2;
    const bin = sums[Math.min(bins - 1, Math.floor(score * bins))];
    if (!bin) continue;
    bin.score += score;
    bin.observed += outcome;
    bin.pairs++;
  }
  const curve = sums
    .filter(({ pairs }) => pairs > 0)
    .map(({ score, observed, pairs }) => ({ score: score / pairs, observed: observed / pairs, pairs }));
  const off = curve.reduce((sum, bin) => sum + bin.pairs * Math.abs(bin.score - bin.observed), 0);
  return { brier: squares / scores.length, ece: off / scores.length, curve };
}
