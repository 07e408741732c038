import { KindredError } from '../core/errors.js';

/** How the classes and the clusters of the same items overlap; only the cells that hold something. */
export interface Contingency {
  /** Items. */
  readonly total: number;
  /** Items of each class and of each cluster, none empty, in no particular order. */
  readonly classes: Float64Array;
  readonly clusters: Float64Array;
  readonly cells: readonly { readonly inClass: number; readonly inCluster: number; readonly count: number }[];
}

/** Whole numbers in any order → 0, 1, … in order of appearance. */
function numbered(labels: Int32Array): { readonly of: Int32Array; readonly sizes: Float64Array } {
  const numbers = new Map<number, number>();
  const sizes: number[] = [];
  const of = labels.map((label) => {
    const number = numbers.get(label) ?? numbers.size;
    numbers.set(label, number);
    sizes[number] = (sizes[number] ?? 0) + 1;
    return number;
  });
  return { of, sizes: Float64Array.from(sizes) };
}

/**
 * Memory grows with the items, not with classes × clusters.
 * @throws KindredError dataset-invalid when the two differ in length
 */
export function contingency(classes: Int32Array, clusters: Int32Array): Contingency {
  if (classes.length !== clusters.length) {
    throw new KindredError('dataset-invalid', `${classes.length} class labels for ${clusters.length} cluster labels`);
  }
  const rows = numbered(classes);
  const columns = numbered(clusters);
  const counts = new Map<number, number>();
  const width = columns.sizes.length;
  rows.of.forEach((row, index) => {
    const cell = row * width + (columns.of[index] ?? 0);
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  });
  return {
    total: classes.length,
    classes: rows.sizes,
    clusters: columns.sizes,
    cells: [...counts].map(([cell, count]) => ({
      inClass: rows.sizes[Math.floor(cell / width)] ?? 0,
      inCluster: columns.sizes[cell % width] ?? 0,
      count,
    })),
  };
}
