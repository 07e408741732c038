import type { Box } from '../state/box.js';
import type { Filter } from '../state/url-state.js';

/** Addresses are relative to the page, so that kindred also works behind a path prefix. */
export function itemUrl(id: string): string {
  return `v1/items/${encodeURIComponent(id)}`;
}

function withParams(path: string, params: URLSearchParams): string {
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

function appendFilter(params: URLSearchParams, filter: Filter): void {
  for (const [field, value] of Object.entries(filter)) params.append('filter', `${field}=${value}`);
}

export function itemsUrl(options: { limit: number; after?: string | undefined; filter: Filter }): string {
  const params = new URLSearchParams({ limit: String(options.limit) });
  if (options.after !== undefined) params.set('after', options.after);
  appendFilter(params, options.filter);
  return withParams('v1/items', params);
}

export function similarUrl(id: string, options: { limit: number; filter: Filter; box: Box | null }): string {
  const params = new URLSearchParams({ limit: String(options.limit) });
  appendFilter(params, options.filter);
  if (options.box) params.set('box', JSON.stringify(options.box));
  return withParams(`${itemUrl(id)}/similar`, params);
}

/** The picture of an item, scaled to `width` pixels. */
export function thumbnailUrl(image: string, width: number): string {
  return `${image}${image.includes('?') ? '&' : '?'}width=${width}`;
}
