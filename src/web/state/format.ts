import type { ApiItem, ApiResult } from '../../server/schemas/api.js';

const counts = new Intl.NumberFormat('en');

export function formatCount(count: number): string {
  return counts.format(count);
}

/** "1 item", "6,312 items" */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

export function formatDistance(distance: number): string {
  return Math.max(0, distance).toFixed(2);
}

/** "87 %"; the ends are never reached, since a probability is not a promise. */
export function formatScore(score: number): string {
  const percent = Math.round(score * 100);
  if (percent >= 100) return '> 99 %';
  return percent < 1 ? '< 1 %' : `${percent} %`;
}

/**
 * How full the bar is, 1 for the same picture and 0 for nothing in common. The distance of unit vectors is
 * 2 − 2·cosine, so this is the cosine, cut off below 0.
 */
export function closeness(distance: number): number {
  return Math.min(1, Math.max(0, 1 - distance / 2));
}

/** What an item is called on the page: its label, or the last part of its id. */
export function nameOf(item: Pick<ApiItem, 'id' | 'label'>): string {
  return item.label ?? item.id.split('/').at(-1) ?? item.id;
}

/** The second line of a card: the category, or failing that another piece of metadata that sets items apart. */
export function categoryOf(item: Pick<ApiItem, 'metadata'>): string | null {
  const value = item.metadata['category'] ?? item.metadata['group'] ?? item.metadata['type'];
  return value === undefined ? null : String(value);
}

export function hasSameLabel(item: Pick<ApiItem, 'label'>, query: Pick<ApiItem, 'label'> | null): boolean {
  return query !== null && query.label !== null && item.label === query.label;
}

/** The whole of a result card in words. */
export function describeResult(result: ApiResult, query: Pick<ApiItem, 'label'> | null): string {
  const parts = [nameOf(result), categoryOf(result), `distance ${formatDistance(result.distance)}`];
  if (result.score !== null) parts.push(`likely the same: ${formatScore(result.score)}`);
  if (hasSameLabel(result, query)) parts.push('same label');
  return parts.filter((part) => part !== null).join(', ');
}

/** "house" → "House", "price_range" → "Price range" */
export function fieldTitle(field: string): string {
  const words = field.replace(/[_-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A message of the server as a sentence: capital first, full stop last. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  const start = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
