import { formatBox, parseBox, type Box } from './box.js';

/** field → the value it must have. */
export type Filter = Readonly<Record<string, string>>;

/** The catalogue, the neighbours of an item, or those of a picture that was chosen on this device. */
export type View =
  | { readonly kind: 'browse' }
  | { readonly kind: 'item'; readonly id: string; readonly box: Box | null; readonly limit: number }
  | { readonly kind: 'upload'; readonly key: string; readonly box: Box | null; readonly limit: number };

/** A view that shows results. */
export type SearchView = Exclude<View, { readonly kind: 'browse' }>;

/** Everything that the page's address says. */
export interface PageState {
  readonly view: View;
  readonly filter: Filter;
}

export const pageSize = 24;
export const maxResults = 1000;

const filterPrefix = 'f.';

function parseLimit(text: string | null): number {
  const limit = Number(text ?? pageSize);
  return Number.isInteger(limit) && limit >= 1 && limit <= maxResults ? limit : pageSize;
}

/** Reads the state out of a query string. Parts that make no sense are left out instead of failing. */
export function parseState(search: string): PageState {
  const params = new URLSearchParams(search);
  const filter: Record<string, string> = {};
  for (const [key, value] of params) {
    if (key.startsWith(filterPrefix) && key.length > filterPrefix.length && value !== '') {
      filter[key.slice(filterPrefix.length)] = value;
    }
  }
  const id = params.get('id');
  const upload = params.get('upload');
  const box = parseBox(params.get('box'));
  const limit = parseLimit(params.get('limit'));
  if (id) return { view: { kind: 'item', id, box, limit }, filter };
  if (upload) return { view: { kind: 'upload', key: upload, box, limit }, filter };
  return { view: { kind: 'browse' }, filter };
}

/** The query string of a state, '' or starting with '?'. The same state always gives the same text. */
export function formatState(state: PageState): string {
  const params = new URLSearchParams();
  const { view } = state;
  if (view.kind === 'item') params.set('id', view.id);
  if (view.kind === 'upload') params.set('upload', view.key);
  if (view.kind !== 'browse') {
    if (view.box) params.set('box', formatBox(view.box));
    if (view.limit !== pageSize) params.set('limit', String(view.limit));
  }
  for (const field of Object.keys(state.filter).sort()) {
    const value = state.filter[field];
    if (field && value) params.set(filterPrefix + field, value);
  }
  // A slash and a comma need no escape in a query, and ids are paths: keep links readable.
  const text = params.toString().replaceAll('%2F', '/').replaceAll('%2C', ',');
  return text ? `?${text}` : '';
}

export const home: PageState = { view: { kind: 'browse' }, filter: {} };

/** The neighbours of an item, seen through a filter. */
export function itemState(id: string, filter: Filter = {}): PageState {
  return { view: { kind: 'item', id, box: null, limit: pageSize }, filter };
}

export function withFilter(filter: Filter, field: string, value: string): Filter {
  const rest = Object.fromEntries(Object.entries(filter).filter(([name]) => name !== field));
  return value === '' ? rest : { ...rest, [field]: value };
}
