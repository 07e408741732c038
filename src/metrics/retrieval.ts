import { KindredError } from '../core/errors.js';
import { cmcCurve } from './cmc.js';
import { measuresAt } from './measures.js';
import type { QueryRanks } from './rank-block.js';
import { relevantRanks, type RankOptions } from './ranks.js';

/** The mean of every measure over the queries of one class. */
export interface ClassMetrics {
  readonly label: number;
  readonly queries: number;
  /** By measure name: recall@1, …, map@r, mrr. */
  readonly values: Readonly<Record<string, number>>;
}

export interface RetrievalMetrics {
  /** K → Recall@K, 0 … 1. */
  readonly recall: Readonly<Record<number, number>>;
  /** K → P@K, 0 … 1. */
  readonly precision: Readonly<Record<number, number>>;
  readonly rPrecision: number;
  readonly mapAtR: number;
  /** Mean average precision over the whole ranking. */
  readonly map: number;
  readonly mrr: number;
  /** Share of queries that found their class by rank 1, 2, … 50; see `cmcCurve`. */
  readonly cmc: readonly number[];
  /** The same numbers by measure name. All are NaN when no query could be counted. */
  readonly values: Readonly<Record<string, number>>;
  /** Queries counted: those with at least one relevant item to find. */
  readonly queries: number;
  /** Queries left out, because nothing else has their class or they have none. */
  readonly leftOut: number;
  /** Classes with at least one counted query. */
  readonly classes: number;
  /** In ascending order of label. */
  readonly perClass: readonly ClassMetrics[];
}

export interface RetrievalOptions extends RankOptions {
  /** The K of Recall@K and P@K: whole numbers from 1 to the number of items that a query can find. */
  readonly ks: readonly number[];
}

/** What one query can find: the gallery, or all but itself. */
export const searchable = ({ labels, gallery }: Pick<RankOptions, 'labels' | 'gallery'>): number =>
  gallery ? gallery.labels.length : labels.length - 1;

/**
 * @param available images that one query can find
 * @throws KindredError dataset-too-small when a K exceeds what a query can find, invalid-option when it is no whole
 * number ≥ 1
 */
export function checkKs(ks: readonly number[], available: number): void {
  for (const k of ks) {
    if (!Number.isInteger(k) || k < 1)
      throw new KindredError('invalid-option', `K must be a whole number ≥ 1, not ${k}`);
    if (k > available) {
      throw new KindredError(
        'dataset-too-small',
        `Recall@${k} needs ${k} images to find, but there ${available === 1 ? 'is' : 'are'} only ${Math.max(0, available)}`,
        { hint: `Measure at a K of at most ${Math.max(0, available)}, or use more images.` },
      );
    }
  }
}

/** Collects queries one by one; `finish` gives the means. */
export interface RetrievalAccumulator {
  add(query: QueryRanks): void;
  finish(): RetrievalMetrics;
}

/** For callers that walk `relevantRanks` themselves, to report progress or to stop in between. */
export function accumulateRetrieval(ks: readonly number[]): RetrievalAccumulator {
  const measures = measuresAt(ks);
  const byClass = new Map<number, { queries: number; sums: Float64Array }>();
  const firstRanks: number[] = [];
  let leftOut = 0;
  const named = (sums: Float64Array, queries: number): Record<string, number> =>
    Object.fromEntries(measures.map(({ name }, index) => [name, (sums[index] ?? 0) / queries]));
  return {
    add({ label, ranks }) {
      if (ranks.length === 0) {
        leftOut++;
        return;
      }
      const entry = byClass.get(label) ?? { queries: 0, sums: new Float64Array(measures.length) };
      byClass.set(label, entry);
      entry.queries++;
      firstRanks.push(ranks[0] ?? Infinity);
      measures.forEach(({ of }, index) => (entry.sums[index] = (entry.sums[index] ?? 0) + of(ranks)));
    },
    finish() {
      const entries = [...byClass].sort(([a], [b]) => a - b);
      const queries = entries.reduce((sum, [, entry]) => sum + entry.queries, 0);
      const totals = new Float64Array(measures.length).map((_, index) =>
        entries.reduce((sum, [, entry]) => sum + (entry.sums[index] ?? 0), 0),
      );
      const values = named(totals, queries);
      const at = (name: string): number => values[name] ?? NaN;
      return {
        recall: Object.fromEntries(ks.map((k) => [k, at(`recall@${k}`)])),
        precision: Object.fromEntries(ks.map((k) => [k, at(`precision@${k}`)])),
        rPrecision: at('r-precision'),
        mapAtR: at('map@r'),
        map: at('map'),
        mrr: at('mrr'),
        cmc: cmcCurve(firstRanks),
        values,
        queries,
        leftOut,
        classes: entries.length,
        perClass: entries.map(([label, entry]) => ({
          label,
          queries: entry.queries,
          values: named(entry.sums, entry.queries),
        })),
      };
    },
  };
}

/**
 * Recall@K, P@K, R-precision, MAP@R, mAP and MRR over all queries, exact. Queries whose class has no other image are
 * left out and counted.
 * @throws KindredError dataset-too-small, invalid-option, invalid-vector, dataset-invalid
 */
export function retrievalMetrics(options: RetrievalOptions): RetrievalMetrics {
  checkKs(options.ks, searchable(options));
  const accumulator = accumulateRetrieval(options.ks);
  for (const query of relevantRanks(options)) accumulator.add(query);
  return accumulator.finish();
}
