import { KindredError } from '../core/errors.js';
import { quantile } from './bootstrap.js';
import { nearestNeighbours } from './neighbours.js';
import { rowCount, type Rows } from './scores.js';

/** Other class means that the gap is measured to. */
const gapNeighbours = 3;

/** How concentrated one class is, and how much room it has. */
export interface ClassDensity {
  readonly label: number;
  /** K ≥ 2 */
  readonly images: number;
  /** v = Σ‖z − μ‖² / (K − 1) */
  readonly spread: number;
  /** D = mean of ‖μ − μ_j‖² over the 3 nearest other class means (fewer where there are not that many). */
  readonly gap: number;
  /** ρ = v / D; infinite when the gap is 0 and the spread is not, 0 when both are. */
  readonly ratio: number;
}

/**
 * Spread, gap and density ratio of every class with at least two images, in ascending order of label. A gap takes two
 * such classes: with fewer the list is empty.
 * @param labels class numbers; negative ones are left out
 * @throws KindredError invalid-vector, dataset-invalid
 */
export function classDensities(embeddings: Rows, labels: Int32Array, dimension: number): ClassDensity[] {
  if (rowCount(embeddings, dimension) !== labels.length) {
    throw new KindredError(
      'dataset-invalid',
      `${labels.length} labels for ${embeddings.length / dimension} embeddings`,
    );
  }
  const counts = new Map<number, number>();
  for (const label of labels) if (label >= 0) counts.set(label, (counts.get(label) ?? 0) + 1);
  const classes = [...counts].filter(([, count]) => count >= 2).sort(([a], [b]) => a - b);
  if (classes.length < 2) return [];
  const position = new Map(classes.map(([label], index) => [label, index]));
  const rowsOf = (visit: (row: number, index: number, images: number) => void): void =>
    labels.forEach((label, row) => {
      const index = position.get(label);
      if (index !== undefined) visit(row, index, counts.get(label) ?? 0);
    });

  const means = new Float64Array(classes.length * dimension);
  rowsOf((row, index, images) => {
    for (let i = 0; i < dimension; i++) {
      const at = index * dimension + i;
      means[at] = (means[at] ?? 0) + (embeddings[row * dimension + i] ?? 0) / images;
    }
  });
  // From differences to the mean, not from sums of squares: a tight class would drown in rounding.
  const between = (a: Rows, aRow: number, b: Rows, bRow: number): number => {
    let sum = 0;
    for (let i = 0; i < dimension; i++) {
      const difference = (a[aRow * dimension + i] ?? 0) - (b[bRow * dimension + i] ?? 0);
      sum += difference * difference;
    }
    return sum;
  };
  const spreads = new Float64Array(classes.length);
  rowsOf((row, index, images) => {
    spreads[index] = (spreads[index] ?? 0) + between(embeddings, row, means, index) / (images - 1);
  });
  const k = Math.min(gapNeighbours, classes.length - 1);
  const { indices } = nearestNeighbours({ queries: means, dimension, k });
  return classes.map(([label, images], index) => {
    const spread = spreads[index] ?? 0;
    let gap = 0;
    for (let i = 0; i < k; i++) gap += between(means, index, means, indices[index * k + i] ?? 0) / k;
    return { label, images, spread, gap, ratio: spread === 0 ? 0 : spread / gap };
  });
}

/** Median and the 10th and 90th percentile. */
export interface Distribution {
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
}

export interface DensitySummary {
  /** Classes measured. */
  readonly classes: number;
  readonly spread: Distribution;
  readonly gap: Distribution;
  /** Below about 0.3 classes are packed tighter than their surroundings ask for; pretrained features show 0.7 to 1.3. */
  readonly ratio: Distribution;
}

function distribution(values: readonly number[]): Distribution {
  const sorted = Float64Array.from(values).sort();
  return { p10: quantile(sorted, 0.1), median: quantile(sorted, 0.5), p90: quantile(sorted, 0.9) };
}

/** What the log and the reports show of `classDensities`; null when no class could be measured. */
export function summarizeDensity(densities: readonly ClassDensity[]): DensitySummary | null {
  if (densities.length === 0) return null;
  return {
    classes: densities.length,
    spread: distribution(densities.map(({ spread }) => spread)),
    gap: distribution(densities.map(({ gap }) => gap)),
    ratio: distribution(densities.map(({ ratio }) => ratio)),
  };
}
