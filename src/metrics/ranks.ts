import { KindredError } from '../core/errors.js';
import { scoreBlocks, type Rows } from './scores.js';

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

/** Where one query finds its own class. Every retrieval metric is a function of this. */
export interface QueryRanks {
  readonly query: number;
  readonly label: number;
  /** 1-based ranks of all relevant gallery items, ascending; length R. Empty: nothing to find, leave the query out. */
  readonly ranks: Int32Array;
}

/** Class number → gallery indices, ascending. */
function membersOf(labels: Int32Array): Map<number, number[]> {
  const members = new Map<number, number[]>();
  labels.forEach((label, index) => {
    if (label < 0) return;
    const group = members.get(label);
    if (group) group.push(index);
    else members.set(label, [index]);
  });
  return members;
}

/**
 * Ranks of the relevant items within one row of scores. Every other gallery item is put, by binary search, before the
 * first relevant item that it beats, so that no row is ever sorted.
 */
function ranksInRow(row: Float64Array, self: number, relevant: readonly number[]): Int32Array {
  const nearest = [...relevant].sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b);
  const thresholds = Float64Array.from(nearest, (index) => row[index] ?? 0);
  const lowest = thresholds[thresholds.length - 1] ?? 0;
  const before = new Int32Array(nearest.length);
  for (let g = 0; g < row.length; g++) {
    const score = row[g] ?? 0;
    if (score < lowest || g === self) continue;
    let low = 0;
    let high = nearest.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const threshold = thresholds[middle] ?? 0;
      if (threshold > score || (threshold === score && (nearest[middle] ?? 0) <= g)) low = middle + 1;
      else high = middle;
    }
    // A relevant item lands just after itself: it counts for those behind it, and so does every other item.
    if (low < before.length) before[low] = (before[low] ?? 0) + 1;
  }
  let ahead = 0;
  return before.map((count) => (ahead += count) + 1);
}

/**
 * Exact ranks of every query's relevant items, one query after another; a generator, so that a caller may report
 * progress and stop between queries. Equal distances rank in order of gallery index.
 * @throws KindredError invalid-vector; dataset-invalid when labels and rows differ in number
 */
export function* relevantRanks({ embeddings, labels, dimension, gallery }: RankOptions): Generator<QueryRanks> {
  const searched = gallery ?? { embeddings, labels };
  for (const set of [{ embeddings, labels }, searched]) {
    if (set.labels.length * dimension !== set.embeddings.length) {
      throw new KindredError(
        'dataset-invalid',
        `${set.labels.length} labels for ${set.embeddings.length / dimension} embeddings`,
      );
    }
  }
  const members = membersOf(searched.labels);
  const galleryCount = searched.labels.length;
  for (const { first, count, scores } of scoreBlocks(embeddings, searched.embeddings, dimension)) {
    for (let row = 0; row < count; row++) {
      const query = first + row;
      const label = labels[query] ?? -1;
      const self = gallery ? -1 : query;
      const relevant = (members.get(label) ?? []).filter((index) => index !== self);
      const ranks =
        relevant.length === 0
          ? new Int32Array(0)
          : ranksInRow(scores.subarray(row * galleryCount, (row + 1) * galleryCount), self, relevant);
      yield { query, label, ranks };
    }
  }
}
