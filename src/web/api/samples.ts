import type { ApiItem, ApiItems, ApiStats } from '../../server/schemas/api.js';
import type { Filter } from '../state/url-state.js';
import type { Client } from './client.js';

export const sampleCount = 6;
/** Items fetched of each part of the catalogue, to choose some that are not neighbours in the list. */
const poolSize = 30;

/**
 * Filters that each show another part of the catalogue: its categories, failing that its labels, failing that the values
 * of the field with the fewest. Values of different ranks, so that they differ in more than one letter.
 */
export function sampleFilters(stats: Pick<ApiStats, 'fields'>, count = sampleCount): Filter[] {
  const usable = stats.fields.filter(({ field, distinct }) => field !== 'id' && distinct > 1);
  const named = (name: string) => usable.find(({ field, distinct }) => field === name && distinct > 2);
  const field = named('category') ?? named('label') ?? usable.sort((a, b) => a.distinct - b.distinct)[0];
  if (!field) return [];
  const { values } = field;
  const step = Math.max(1, values.length / count);
  return Array.from({ length: Math.min(count, values.length) }, (_, rank) => values[Math.floor(rank * step)])
    .filter((entry) => entry !== undefined)
    .map((entry) => ({ [field.field]: String(entry.value) }));
}

/** One or several of each list in turn, `count` in all, spread over each list. */
export function spread<T>(lists: readonly (readonly T[])[], count: number): T[] {
  const rounds = Math.ceil(count / Math.max(1, lists.length));
  const chosen = new Set<T>();
  for (let round = 0; round < rounds; round++) {
    for (const list of lists) {
      const value = list[Math.floor((list.length * (round + 0.5)) / rounds)];
      if (value !== undefined && chosen.size < count) chosen.add(value);
    }
  }
  return [...chosen];
}

/** A handful of items that differ from each other. */
export async function loadSamples(client: Client, stats: ApiStats | null, signal: AbortSignal): Promise<ApiItems> {
  const filters = stats ? sampleFilters(stats) : [];
  const wanted = filters.length > 0 ? filters : [{}];
  const pages = await Promise.all(wanted.map((filter) => client.items({ limit: poolSize, filter }, signal)));
  const items: ApiItem[] = spread(
    pages.map((page) => page.items.filter((item) => item.image !== null)),
    sampleCount,
  );
  return { items, next: null, total: items.length };
}
