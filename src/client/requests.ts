import type { z } from 'zod';
import type { searchRequestSchema } from '../server/schemas/search.js';

/** What goes into requests: pictures, options of searches, lines of batches. */

export type MetadataValue = string | number | boolean;

/** field → a value, or several of which one must match. */
export type Filter = Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>;

/** An encoded picture: a file, or its bytes. */
export type Picture = Blob | Uint8Array;

/** A part of a picture, in fractions of its width and height. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface SearchOptions {
  /** 1 … 1,000, or `auto`: as many as keep the expected precision. 20 where absent. */
  readonly limit?: number | 'auto' | undefined;
  /** 0 … 1, with `auto`. */
  readonly precision?: number | undefined;
  readonly filter?: Filter | undefined;
  /** Compare with every item instead of walking the graph. */
  readonly exact?: boolean | undefined;
  readonly ef?: number | undefined;
  /** Of the picture, or of the item's; not with a vector. */
  readonly box?: Box | undefined;
}

export interface ListOptions {
  /** Of a page: 1 … 1,000; 50 where absent. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
  readonly filter?: Filter | undefined;
}

/** With neither picture nor vector, an item that is there keeps its picture. */
export interface ItemContent {
  readonly image?: Picture | undefined;
  readonly vector?: readonly number[] | undefined;
  readonly label?: string | null | undefined;
  readonly metadata?: Readonly<Record<string, MetadataValue>> | undefined;
}

export type BatchLine = ({ readonly id: string } & ItemContent) | { readonly id: string; readonly op: 'delete' };

/** The body of POST /v1/search as the server's schema has it. */
export type SearchRequest = z.input<typeof searchRequestSchema>;

export function searchBody({ filter, box, ...options }: SearchOptions): Omit<SearchRequest, 'id' | 'vector' | 'image'> {
  const values = Object.entries(filter ?? {}).map(([field, value]): [string, MetadataValue | MetadataValue[]] => [
    field,
    typeof value === 'object' ? [...value] : value,
  ]);
  return {
    ...options,
    ...(box !== undefined && { box: { ...box } }),
    ...(filter !== undefined && { filter: Object.fromEntries(values) }),
  };
}

/** A picture as the body of a request. The server tells its format by its bytes. */
export function toBlob(picture: Picture): Blob {
  if (picture instanceof Blob)
    return picture.type.startsWith('image/') ? picture : new Blob([picture], { type: other });
  return new Blob([Uint8Array.from(picture)], { type: other });
}
const other = 'image/x-unknown';

export async function toBase64(picture: Picture): Promise<string> {
  const bytes = picture instanceof Blob ? new Uint8Array(await picture.arrayBuffer()) : picture;
  let text = '';
  // In pieces: a call has only so many arguments.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

const boxText = ({ x, y, w, h }: Box): string => [x, y, w, h].join();

/** Options of a search as query parameters. @param filterAs how the route takes the filter */
export function searchQuery(options: SearchOptions, filterAs: 'json' | 'conditions'): URLSearchParams {
  const { limit, precision, filter, exact, ef, box } = options;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ limit, precision, exact, ef })) {
    if (value !== undefined) query.set(name, String(value));
  }
  if (box !== undefined) query.set('box', boxText(box));
  if (filter !== undefined && filterAs === 'json') query.set('filter', JSON.stringify(filter));
  else appendFilter(query, filter);
  return query;
}

export function appendFilter(query: URLSearchParams, filter: Filter = {}): void {
  for (const [field, value] of Object.entries(filter)) {
    for (const one of typeof value === 'object' ? value : [value]) query.append('filter', `${field}=${one}`);
  }
}

/** One line of a batch, without its line break. */
export async function batchLineText(line: BatchLine): Promise<string> {
  if ('op' in line || line.image === undefined) return JSON.stringify(line);
  return JSON.stringify({ ...line, image: await toBase64(line.image) });
}
