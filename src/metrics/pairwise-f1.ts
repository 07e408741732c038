import type { Contingency } from './contingency.js';

const pairs = (n: number): number => (n * (n - 1)) / 2;

/**
 * F1 over pairs of items: a pair is found when one cluster holds both, and right when one class does. 2·precision·recall /
 * (precision + recall), 0 … 1; 0 when no pair is both.
 */
export function pairwiseF1({ classes, clusters, cells }: Contingency): number {
  const right = cells.reduce((sum, { count }) => sum + pairs(count), 0);
  const wanted = classes.reduce((sum, size) => sum + pairs(size), 0);
  const found = clusters.reduce((sum, size) => sum + pairs(size), 0);
  return right === 0 ? 0 : (2 * right) / (wanted + found);
}
