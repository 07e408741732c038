import type { Contingency } from './contingency.js';

/** Values from one size to another that come up again and again: size → how many have it. */
function tally(sizes: Float64Array): [size: number, count: number][] {
  const counts = new Map<number, number>();
  for (const size of sizes) counts.set(size, (counts.get(size) ?? 0) + 1);
  return [...counts];
}

/** H = −Σ p ln p, in nats. */
export function entropy(sizes: Float64Array, total: number): number {
  return sizes.reduce((sum, size) => sum - (size / total) * Math.log(size / total), 0);
}

/** I = Σ p_ij ln(p_ij / (p_i p_j)), in nats, ≥ 0. */
export function mutualInformation({ total, cells }: Contingency): number {
  let sum = 0;
  for (const { inClass, inCluster, count } of cells) {
    sum += (count / total) * Math.log((count * total) / (inClass * inCluster));
  }
  return Math.max(0, sum);
}

/** ln 0! … ln n!, summed with Kahan's correction. */
function logFactorials(n: number): Float64Array {
  const table = new Float64Array(n + 1);
  let [sum, lost] = [0, 0];
  for (let i = 2; i <= n; i++) {
    const term = Math.log(i) - lost;
    const next = sum + term;
    lost = next - sum - term;
    table[i] = sum = next;
  }
  return table;
}

/**
 * The mutual information to expect of a clustering with the same sizes drawn at random (hypergeometric model; Vinh, Epps,
 * Bailey: _Information Theoretic Measures for Clusterings Comparison_, JMLR 2010, eq. 24a), in nats. A pair of a class and a
 * cluster adds what only their sizes decide, so equal pairs of sizes are worked out once: N items have at most √(2N)
 * different sizes, however many classes and clusters there are.
 */
export function expectedMutualInformation({ total, classes, clusters }: Contingency): number {
  const log = logFactorials(total);
  const f = (n: number): number => log[n] ?? 0;
  let sum = 0;
  for (const [a, classesOfA] of tally(classes)) {
    for (const [b, clustersOfB] of tally(clusters)) {
      const fixed = f(a) + f(b) + f(total - a) + f(total - b) - f(total);
      let expected = 0;
      for (let n = Math.max(1, a + b - total); n <= Math.min(a, b); n++) {
        const chance = Math.exp(fixed - f(n) - f(a - n) - f(b - n) - f(total - a - b + n));
        expected += (n / total) * Math.log((total * n) / (a * b)) * chance;
      }
      sum += classesOfA * clustersOfB * expected;
    }
  }
  return sum;
}

/** Both sides are one group, or there are no items: they agree, and information is no measure of it. */
const trivial = ({ classes, clusters }: Contingency): boolean => classes.length === clusters.length && classes.length <= 1; // prettier-ignore

/**
 * Normalised mutual information, I / ((H(classes) + H(clusters)) / 2), 0 … 1. It rises with the number of clusters even
 * when they mean nothing; AMI does not.
 */
export function normalizedMutualInformation(table: Contingency): number {
  if (trivial(table)) return 1;
  const information = mutualInformation(table);
  if (information <= Number.EPSILON) return 0;
  const mean = (entropy(table.classes, table.total) + entropy(table.clusters, table.total)) / 2;
  return Math.min(1, information / mean);
}

/** Adjusted mutual information, (I − E[I]) / ((H(classes) + H(clusters)) / 2 − E[I]): 1 for equal partitions, about 0 by chance. */
export function adjustedMutualInformation(table: Contingency): number {
  if (trivial(table)) return 1;
  const expected = expectedMutualInformation(table);
  const mean = (entropy(table.classes, table.total) + entropy(table.clusters, table.total)) / 2;
  const room = mean - expected;
  // Every item alone on both sides leaves no room: kept away from 0 as scikit-learn does, so that equal partitions give 1.
  const divisor = room < 0 ? Math.min(room, -Number.EPSILON) : Math.max(room, Number.EPSILON);
  return Math.min(1, (mutualInformation(table) - expected) / divisor);
}
