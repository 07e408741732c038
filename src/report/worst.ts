import type { ReportProgress } from '../core/progress.js';
import { stopIfAborted } from '../evaluate/embed-items.js';
import { searchFor } from '../evaluate/measure.js';
import { mapAtR } from '../metrics/map-at-r.js';
import { nearestNeighbours } from '../metrics/neighbours.js';
import type { LabelledRows } from '../metrics/ranks.js';
import type { EmbeddedSplit, Shown, WorstQuery } from './data.js';
import { thumbnail } from './pictures.js';

const shown = 12;
const neighboursShown = 6;

interface Found {
  /** Row of the split. */
  readonly row: number;
  readonly precision: number;
  readonly firstRank: number;
}

/** Rows of one side of the search, and their rows in the split. */
function side(set: EmbeddedSplit, role: 'query' | 'gallery'): LabelledRows & { readonly rows: readonly number[] } {
  const rows = [...set.items.keys()].filter((row) => set.items[row]?.role === role);
  const { dimension, embeddings, classes } = set;
  const kept = new Float32Array(rows.length * dimension);
  rows.forEach((row, i) => kept.set(embeddings.subarray(row * dimension, (row + 1) * dimension), i * dimension));
  return { rows, embeddings: kept, labels: Int32Array.from(rows, (row) => classes[row] ?? -1) };
}

/** The worst first: least of MAP@R, then the first right answer farthest down. One of a class before two of any. */
export function pickWorst(found: readonly Found[], classes: Int32Array, count: number): Found[] {
  const sorted = [...found].sort((a, b) => a.precision - b.precision || b.firstRank - a.firstRank || a.row - b.row);
  const seen = new Set<number>();
  const first = sorted.filter(({ row }) => {
    const label = classes[row] ?? -1;
    return !seen.has(label) && seen.add(label);
  });
  const rest = sorted.filter((one) => !first.includes(one));
  return [...first, ...rest].slice(0, count);
}

/**
 * The queries that find the least of their class, with what they found instead.
 * @throws KindredError interrupted
 */
export async function worstQueries(
  set: EmbeddedSplit,
  root: string,
  watch: { readonly progress: ReportProgress; readonly signal: AbortSignal },
): Promise<WorstQuery[]> {
  const { items, classes, dimension } = set;
  const roles = items.some(({ role }) => role !== undefined);
  const all = { rows: [...items.keys()], embeddings: set.embeddings, labels: classes };
  const [queries, gallery] = roles ? [side(set, 'query'), side(set, 'gallery')] : [all, all];
  const search = await searchFor(queries.rows.length, gallery.rows.length, dimension, undefined);
  const found: Found[] = [];
  try {
    const { embeddings, labels } = queries;
    let done = 0;
    for await (const some of search.ranks({ embeddings, labels, dimension, ...(roles && { gallery }) })) {
      for (const { query, ranks } of some)
        if (ranks.length > 0)
          found.push({ row: queries.rows[query] ?? 0, precision: mapAtR(ranks), firstRank: ranks[0] ?? 0 });
      done += some.length;
      watch.progress({ stage: 'looking for the worst', done, total: labels.length, unit: 'queries' });
      stopIfAborted(watch.signal);
    }
  } finally {
    await search.close();
  }
  const show = async (row: number): Promise<Shown> => {
    const { path = '', label = null } = items[row] ?? {};
    return { path, class: label ?? '', picture: await thumbnail(root, path) };
  };
  const result: WorstQuery[] = [];
  for (const { row, precision, firstRank } of pickWorst(found, classes, shown)) {
    const k = Math.min(neighboursShown + 1, gallery.rows.length);
    const query = set.embeddings.subarray(row * dimension, (row + 1) * dimension);
    const near = nearestNeighbours({ queries: query, gallery: gallery.embeddings, dimension, k });
    const neighbours: WorstQuery['neighbours'][number][] = [];
    for (let i = 0; i < k && neighbours.length < neighboursShown; i++) {
      const other = gallery.rows[near.indices[i] ?? 0] ?? 0;
      if (other === row) continue;
      const distance = Math.sqrt(near.distances[i] ?? 0);
      neighbours.push({ ...(await show(other)), distance, right: classes[other] === classes[row] });
    }
    result.push({ query: await show(row), precision, firstRank, neighbours });
  }
  return result;
}
