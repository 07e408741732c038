import { precisionAtK } from './precision-at-k.js';

/** R-precision: P@R, with R the number of relevant items of this query. */
export function rPrecision(ranks: Int32Array): number {
  return precisionAtK(ranks, ranks.length);
}
