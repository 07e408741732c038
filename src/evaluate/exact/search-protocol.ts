import type { Rows } from '../../metrics/scores.js';

/** A search set in shared memory: what a message carries is a handle. */
export interface SharedSet {
  /** A worker keeps what it worked out about the set it met last. */
  readonly id: number;
  readonly queries: Rows;
  /** Undefined: the queries, and no query finds itself. */
  readonly gallery: Rows | undefined;
  readonly dimension: number;
  /** Of the queries and of the gallery; undefined where only neighbours are asked for. */
  readonly labels: { readonly queries: Int32Array; readonly gallery: Int32Array | undefined } | undefined;
}

/** Queries first … first + count − 1. `k` undefined: the ranks of their relevant items; else their k nearest. */
export interface SearchJob {
  readonly set: SharedSet;
  readonly first: number;
  readonly count: number;
  readonly k: number | undefined;
}

export type SearchAnswer =
  | {
      readonly kind: 'ranks';
      /** Relevant items of each query, and all their ranks in a row. */
      readonly lengths: Int32Array;
      readonly ranks: Int32Array;
    }
  | { readonly kind: 'nearest'; readonly indices: Int32Array; readonly distances: Float64Array };
