import type { ApiItem, ApiItems, ApiStats } from '../../server/schemas/api.js';
import type { Filter } from '../state/url-state.js';
import type { Client } from './client.js';

export const sampleCount = 6;

/**
 * Filters that each pick another part of the catalogue: the most frequent labels of different ranks, so that every
 * sample has look-alikes with its own label; without labels, the values of the field with the fewest.
 */
export function sampleFilters(stats: Pick<ApiStats, 'fields'>, count = sampleCount): Filter[] {
  const usable = stats.fields.filter(({ field, distinct }) => field !== 'id' && distinct > 1);
  const field = usable.find(({ field }) => field === 'label') ?? usable.sort((a, b) => a.distinct - b.distinct)[0];
  if (!field) return [];
  const { values } = field;
  const step = Math.max(1, values.length / count);
  return Array.from({ length: Math.min(count, values.length) }, (_, rank) => values[Math.floor(rank * step)])
    .filter((entry) => entry !== undefined)
    .map((entry) => ({ [field.field]: String(entry.value) }));
}

/** A handful of items that differ from each other. */
export async function loadSamples(client: Client, stats: ApiStats | null, signal: AbortSignal): Promise<ApiItems> {
  const filters = stats ? sampleFilters(stats) : [];
  const pages = await Promise.all(filters.map((filter) => client.items({ limit: 1, filter }, signal)));
  const items: ApiItem[] = pages.flatMap((page) => page.items);
  if (items.length > 0) return { items, next: null, total: items.length };
  return client.items({ limit: sampleCount, filter: {} }, signal);
}
