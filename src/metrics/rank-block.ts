import { exactScore, type CheckedSet, type TileConsumer } from './scores.js';

/** Where one query finds its own class. Every retrieval metric is a function of this. */
export interface QueryRanks {
  readonly query: number;
  readonly label: number;
  /** 1-based ranks of all relevant gallery items, ascending; length R. Empty: nothing to find, leave the query out. */
  readonly ranks: Int32Array;
}

export interface RankedSet extends CheckedSet {
  readonly queryLabels: Int32Array;
  /** Class number → gallery indices, ascending. */
  readonly members: ReadonlyMap<number, Int32Array>;
}

/** Relevant items of all the queries of one block, so that their thresholds stay within 16 MiB. */
const relevantPerBlock = 2 ** 20;

/** Class number → gallery indices, ascending. Negative labels are no class. */
export function membersOf(labels: Int32Array): Map<number, Int32Array> {
  const members = new Map<number, number[]>();
  labels.forEach((label, index) => {
    if (label < 0) return;
    const group = members.get(label);
    if (group) group.push(index);
    else members.set(label, [index]);
  });
  return new Map([...members].map(([label, group]) => [label, Int32Array.from(group)]));
}

/** Queries a block may have, when classes are large. */
export function rankBlockRows({ members }: RankedSet, wanted: number): number {
  let largest = 1;
  for (const group of members.values()) largest = Math.max(largest, group.length);
  return Math.max(1, Math.min(wanted, Math.floor(relevantPerBlock / largest)));
}

/**
 * Ranks of the relevant items of some consecutive queries. The exact scores of the relevant items are known before any
 * tile comes; every gallery item is then counted, by binary search, before the first relevant item that it beats. No row
 * of scores is ever sorted or kept. Equal scores rank in order of gallery index.
 * @param error of the tiles' scores; see `ScoreBlocks`
 */
export function rankBlock(set: RankedSet, first: number, count: number, error: number): TileConsumer<QueryRanks[]> {
  const { queryLabels, members, excludeSelf } = set;
  const starts = new Int32Array(count + 1);
  const relevantOf = Array.from({ length: count }, (_, row) => {
    const group = members.get(queryLabels[first + row] ?? -1) ?? new Int32Array(0);
    const relevant = excludeSelf ? group.filter((item) => item !== first + row) : group;
    starts[row + 1] = (starts[row] ?? 0) + relevant.length;
    return relevant;
  });
  const total = starts[count] ?? 0;
  /** Of each query: its relevant items from the nearest to the farthest, and their exact scores. */
  const items = new Int32Array(total);
  const thresholds = new Float64Array(total);
  /** How many gallery items come right before that relevant item, after the one ahead of it. */
  const before = new Int32Array(total);
  relevantOf.forEach((relevant, row) => {
    const scored = Array.from(relevant, (item) => ({ item, score: exactScore(set, first + row, item) }));
    scored.sort((a, b) => b.score - a.score || a.item - b.item);
    const start = starts[row] ?? 0;
    scored.forEach(({ item, score }, index) => {
      items[start + index] = item;
      thresholds[start + index] = score;
    });
  });

  const place = (row: number, item: number, near: number): void => {
    const start = starts[row] ?? 0;
    const end = starts[row + 1] ?? 0;
    let low = start;
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((thresholds[middle] ?? 0) >= near) low = middle + 1;
      else high = middle;
    }
    const above = low > start ? (thresholds[low - 1] ?? 0) - near : Infinity;
    const below = low < end ? near - (thresholds[low] ?? 0) : Infinity;
    if (above <= error || below <= error) {
      // Too close to call, or a tie: what decides is the exact score, then the place in the gallery.
      const score = error === 0 ? near : exactScore(set, first + row, item);
      low = start;
      high = end;
      while (low < high) {
        const middle = (low + high) >> 1;
        const threshold = thresholds[middle] ?? 0;
        if (threshold > score || (threshold === score && (items[middle] ?? 0) <= item)) low = middle + 1;
        else high = middle;
      }
    }
    // A relevant item lands just after itself: it counts for those behind it, and so does every other item.
    if (low < end) before[low] = (before[low] ?? 0) + 1;
  };

  return {
    add({ firstItem, items: width, scores }) {
      for (let row = 0; row < count; row++) {
        const end = starts[row + 1] ?? 0;
        if (end === starts[row]) continue;
        const floor = (thresholds[end - 1] ?? 0) - error;
        const self = excludeSelf ? first + row - firstItem : -1;
        const from = row * width;
        for (let i = 0; i < width; i++) {
          const near = scores[from + i] ?? 0;
          if (near < floor || i === self) continue;
          place(row, firstItem + i, near);
        }
      }
    },
    finish: () =>
      Array.from({ length: count }, (_, row) => {
        let ahead = 0;
        const ranks = before.slice(starts[row] ?? 0, starts[row + 1] ?? 0);
        ranks.forEach((between, index) => (ranks[index] = (ahead += between) + 1));
        return { query: first + row, label: queryLabels[first + row] ?? -1, ranks };
      }),
  };
}
