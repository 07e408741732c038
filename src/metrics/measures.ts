import { averagePrecision } from './average-precision.js';
import { mapAtR } from './map-at-r.js';
import { precisionAtK } from './precision-at-k.js';
import { rPrecision } from './r-precision.js';
import { recallAtK } from './recall-at-k.js';
import { reciprocalRank } from './reciprocal-rank.js';

/** One number a query gets, averaged over queries: 0 … 1, higher is better. */
export interface Measure {
  /** As in reports: recall@1, precision@1, r-precision, map@r, map, mrr. */
  readonly name: string;
  /** From the ascending 1-based ranks of all relevant items, at least one. */
  readonly of: (ranks: Int32Array) => number;
}

/** Every retrieval measure, those at K for each of `ks`. */
export function measuresAt(ks: readonly number[]): Measure[] {
  return [
    ...ks.map((k) => ({ name: `recall@${k}`, of: (ranks: Int32Array) => recallAtK(ranks, k) })),
    ...ks.map((k) => ({ name: `precision@${k}`, of: (ranks: Int32Array) => precisionAtK(ranks, k) })),
    { name: 'r-precision', of: rPrecision },
    { name: 'map@r', of: mapAtR },
    { name: 'map', of: averagePrecision },
    { name: 'mrr', of: reciprocalRank },
  ];
}
