import { KindredError } from '../core/errors.js';
import { membersOf, rankBlock, rankBlockRows, type QueryRanks, type RankedSet } from './rank-block.js';
import { checkSet, exactBlocks, type Rows } from './scores.js';

/** Pictures and their classes. */
export interface LabelledRows {
  /** n rows of `dimension` values, unit length. */
  readonly embeddings: Rows;
  /** n class numbers ≥ 0; a negative one means no class: never a query, never relevant, but found. */
  readonly labels: Int32Array;
}

export interface RankOptions extends LabelledRows {
  readonly dimension: number;
  /** A separate set to search. Absent: the queries themselves, and no query finds itself. */
  readonly gallery?: LabelledRows;
}

/** @throws KindredError invalid-vector; dataset-invalid when labels and rows differ in number */
export function rankedSet({ embeddings, labels, dimension, gallery }: RankOptions): RankedSet {
  for (const set of gallery ? [{ embeddings, labels }, gallery] : [{ embeddings, labels }]) {
    if (set.labels.length * dimension !== set.embeddings.length) {
      throw new KindredError(
        'dataset-invalid',
        `${set.labels.length} labels for ${set.embeddings.length / dimension} embeddings`,
      );
    }
  }
  const checked = checkSet({ queries: embeddings, dimension, ...(gallery && { gallery: gallery.embeddings }) });
  return {
    ...checked,
    queryLabels: labels,
    members: membersOf((gallery ?? { labels }).labels),
  };
}

/**
 * Exact ranks of every query's relevant items, one query after another; a generator, so that a caller may report
 * progress and stop between queries. Equal distances rank in order of gallery index.
 * @throws KindredError invalid-vector; dataset-invalid when labels and rows differ in number
 */
export function* relevantRanks(options: RankOptions): Generator<QueryRanks> {
  const set = rankedSet(options);
  const scores = exactBlocks(set);
  const rows = rankBlockRows(set, scores.blockRows);
  for (let first = 0; first < set.queryCount; first += rows) {
    const count = Math.min(rows, set.queryCount - first);
    const block = rankBlock(set, first, count, scores.error);
    for (const tile of scores.tiles(first, count)) block.add(tile);
    yield* block.finish();
  }
}
