import type { MetadataValue } from '../core/metadata.js';
import type { CatalogueItem, Filter, Neighbour, Position, SearchOptions } from '../indexing/catalogue.js';
import { allOf, fieldText } from '../indexing/item-filter.js';
import { mostPagedGroups } from './cursor.js';
import type { ScoredNeighbour, Scoring } from './scoring.js';
import type { Stopwatch } from './stopwatch.js';

/** One search of the catalogue gives no more. */
const mostAtOnce = 1000;

/** With a least score, so many of the nearest are looked at, and no more. */
const mostLooked = 1000;

export interface GatherOptions {
  readonly vector: Float32Array;
  readonly limit: number;
  /** As the catalogue takes them, but for limit and place. */
  readonly options: Omit<SearchOptions, 'limit' | 'after'>;
  readonly density: number | null;
  readonly minScore?: number | undefined;
  readonly maxDistance?: number | undefined;
  readonly after?: Position | undefined;
  /** What the first search of the catalogue would give, where it is there already. */
  readonly ahead?: readonly Neighbour[] | undefined;
}

export interface Gathered {
  readonly results: readonly ScoredNeighbour[];
  readonly density: number | null;
  /** Where to go on; undefined when nothing comes after. */
  readonly end: Position | undefined;
}

export interface GatherParts {
  readonly scoring: Scoring;
  readonly watch: Stopwatch;
}

/** The nearest that are near and likely enough. */
export async function gather({ scoring, watch }: GatherParts, wanted: GatherOptions): Promise<Gathered> {
  const { vector, limit, minScore, maxDistance } = wanted;
  const results: ScoredNeighbour[] = [];
  let { density, after, ahead } = wanted;
  let looked = 0;
  for (;;) {
    const missing = limit - results.length;
    const ask = minScore === undefined ? missing : Math.min(mostAtOnce, Math.max(missing, 100));
    const options = { ...wanted.options, limit: ask, ...(after !== undefined && { after }) };
    const batch = await scoring.search(vector, options, density, watch, ahead);
    ahead = undefined;
    density = batch.density;
    for (const one of batch.results) {
      if (maxDistance !== undefined && one.distance > maxDistance) return { results, density, end: undefined };
      looked++;
      after = { distance: one.distance, id: one.item.id, rank: (after?.rank ?? 0) + 1 };
      if (minScore !== undefined && (one.score ?? 0) < minScore) continue;
      results.push(one);
      if (results.length === limit) return { results, density, end: after };
    }
    if (batch.results.length < ask || looked >= mostLooked) return { results, density, end: undefined };
  }
}

export interface Grouping {
  readonly field: string;
  /** Results of each group. */
  readonly size: number;
  /** Values of groups to leave out. */
  readonly before: readonly string[];
}

export interface SearchGroup {
  /** What the items of the group have in the field. */
  readonly value: MetadataValue;
  readonly results: readonly ScoredNeighbour[];
}

export interface GatheredGroups {
  readonly groups: readonly SearchGroup[];
  /** Values of all groups given so far, or undefined when no other comes after them. */
  readonly seen: readonly string[] | undefined;
}

function valueOf(item: CatalogueItem, field: string): MetadataValue {
  return (field === 'id' ? item.id : field === 'label' ? item.label : item.metadata[field]) ?? '';
}

/**
 * The nearest groups, `limit` of them, in the order of their nearest items; items without the field are in none. Each
 * round leaves out the groups that are found, so that one with thousands of items stands in no other's way.
 */
export async function gatherGroups(
  parts: GatherParts,
  wanted: GatherOptions,
  { field, size, before }: Grouping,
): Promise<GatheredGroups> {
  const found = new Map<string, ScoredNeighbour>();
  const { limit, options } = wanted;
  let { density } = wanted;
  let ended = false;
  while (found.size < limit && !ended) {
    const seen = [...before, ...found.keys()];
    const others: Filter | undefined = seen.length === 0 ? undefined : { not: { field, in: seen } };
    const filter = allOf(options.filter, { field, exists: true }, others);
    const ask = Math.min(mostAtOnce, 4 * (limit - found.size));
    const batch = await gather(parts, { ...wanted, density, limit: ask, options: withFilter(options, filter) });
    density = batch.density;
    ended = batch.results.length < ask;
    for (const one of batch.results) {
      const value = fieldText(one.item, field);
      if (value === undefined || found.has(value)) continue;
      if (found.size === limit) {
        ended = false;
        break;
      }
      found.set(value, one);
    }
  }
  const groups = await Promise.all(
    [...found].map(async ([value, best]): Promise<SearchGroup> => {
      const group = { value: valueOf(best.item, field), results: [best] };
      if (size === 1) return group;
      const filter = allOf(options.filter, { field, in: [value] });
      const more = await gather(parts, { ...wanted, density, limit: size, options: withFilter(options, filter) });
      return more.results.length === 0 ? group : { ...group, results: more.results };
    }),
  );
  const seen = [...before, ...found.keys()];
  return { groups, seen: ended || seen.length > mostPagedGroups ? undefined : seen };
}

function withFilter<Options extends object>(options: Options, filter: Filter | undefined): Options {
  return filter === undefined ? options : { ...options, filter };
}
