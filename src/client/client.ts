import type { ApiEmbedding, ApiItem, ApiItems, ApiModel, ApiSearchResponse, ApiStats } from '../server/schemas/api.js';
import type { ApiAudit } from '../server/schemas/audit.js';
import type { ApiSearchBatchResponse } from '../server/schemas/search.js';
import type { ApiSnapshot, ApiSnapshots } from '../server/schemas/snapshots.js';
import type { ApiWrite, BatchResult } from '../server/schemas/writes.js';
import { writeLines } from './batch.js';
import { KindredClientError } from './error.js';
import * as guards from './guards.js';
import { itemForm, searchJson, toBlob, toQuery, type SearchRequest } from './requests.js';
import type { BatchLine, BoxOption, ItemContent, ListOptions, Picture, SearchOptions } from './requests.js';
import { createTransport, type CallOptions, type ClientOptions } from './transport.js';

export { KindredClientError } from './error.js';
export type * from './requests.js';
export type { CallOptions, ClientOptions } from './transport.js';
export type { ApiEmbedding, ApiItem, ApiItems, ApiModel, ApiResult, ApiSearchResponse } from '../server/schemas/api.js';
export type { ApiStats } from '../server/schemas/api.js';
export type { ApiAudit } from '../server/schemas/audit.js';
export type { ApiSnapshot, ApiSnapshots } from '../server/schemas/snapshots.js';
export type { ApiWrite, BatchResult } from '../server/schemas/writes.js';

/** Of a query of a batch. */
export type SearchOutcome = ApiSearchBatchResponse['answers'][number];

export interface Tagged<T> {
  readonly value: T;
  /** Names the item's state: for `ifMatch`. */
  readonly etag: string | null;
}

/** What must be true of an item for a write to happen; otherwise the code is precondition-failed. */
export interface WriteOptions extends CallOptions {
  /** An ETag, or '*': any state, but there. */
  readonly ifMatch?: string | undefined;
  /** Only if there is no such item. */
  readonly ifAbsent?: boolean | undefined;
}

const json = { 'content-type': 'application/json' };
const itemPath = (id: string): string => `v1/items/${encodeURIComponent(id)}`;

function conditionHeaders({ ifMatch, ifAbsent }: WriteOptions): Record<string, string> {
  return {
    ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    ...(ifAbsent === true && { 'if-none-match': '*' }),
  };
}

/**
 * Calls kindred's HTTP API: a method for each operation of /openapi.json, and some that are easier to use. Every failure
 * is a KindredClientError, except that an aborted call rejects as fetch does.
 * @param address of the server, with the path it is under behind a proxy
 */
export function createClient(address: string | URL, options: ClientOptions = {}) {
  const transport = createTransport(address, options);

  const search = async (request: SearchRequest, { signal }: CallOptions = {}): Promise<ApiSearchResponse> => {
    const body = JSON.stringify(await searchJson(request));
    const call = { method: 'POST', path: 'v1/search', headers: json, body, signal } as const;
    return (await transport.json(call, guards.isSearchResponse)).body;
  };

  const listItems = async ({ signal, ...page }: ListOptions & CallOptions = {}): Promise<ApiItems> =>
    (await transport.json({ path: 'v1/items', query: toQuery(page), signal }, guards.isItems)).body;

  const isUp = async (path: string, { signal }: CallOptions): Promise<boolean> => {
    try {
      await createTransport(address, { ...options, retries: 0 }).send({ path, signal });
      return true;
    } catch (error) {
      if (error instanceof KindredClientError) return false;
      throw error;
    }
  };

  const text = async (path: string, { signal }: CallOptions): Promise<string> =>
    (await transport.send({ path, signal })).text();

  return {
    search,
    /** Up to 32 searches in one request, their pictures embedded together. An answer or a problem for each, in order. */
    async searchBatch(requests: readonly SearchRequest[], { signal }: CallOptions = {}): Promise<SearchOutcome[]> {
      const body = JSON.stringify({ queries: await Promise.all(requests.map(searchJson)) });
      const call = { method: 'POST', path: 'v1/search:batch', headers: json, body, signal } as const;
      return (await transport.json(call, guards.isSearchBatchResponse)).body.answers;
    },
    /** The answers of a search one after the other, as far as one reads: `limit` results each. */
    async *searchPages(request: SearchRequest, call: CallOptions = {}): AsyncGenerator<ApiSearchResponse> {
      for (let cursor = request.cursor; ;) {
        const page = await search({ ...request, cursor }, call);
        yield page;
        if (page.cursor === null) return;
        cursor = page.cursor;
      }
    },
    /** The items nearest to an item, which is left out. */
    searchById: (id: string, { signal, ...rest }: SearchOptions & BoxOption & CallOptions = {}) =>
      search({ ...rest, id }, { signal }),
    /** The items nearest to a vector of the model's dimension. */
    searchByVector: (vector: readonly number[], { signal, ...rest }: SearchOptions & CallOptions = {}) =>
      search({ ...rest, vector }, { signal }),
    /** The items nearest to a picture, or to a part of it; the picture is sent as it is, which takes the least time. */
    async searchByImage(image: Picture, { signal, ...rest }: SearchOptions & BoxOption & CallOptions = {}) {
      const body = toBlob(image);
      const headers = { 'content-type': body.type };
      const call = { method: 'POST', path: 'v1/search', query: toQuery(rest), headers, body, signal } as const;
      return (await transport.json(call, guards.isSearchResponse)).body;
    },
    /** As searchById, by GET. */
    async similarItems(
      id: string,
      { signal, ...rest }: SearchOptions & BoxOption & CallOptions = {},
    ): Promise<ApiSearchResponse> {
      const call = { path: `${itemPath(id)}/similar`, query: toQuery(rest), signal };
      return (await transport.json(call, guards.isSearchResponse)).body;
    },
    async embed(image: Picture, { box, signal }: BoxOption & CallOptions = {}): Promise<ApiEmbedding> {
      const body = toBlob(image);
      const query = toQuery({ box });
      const headers = { 'content-type': body.type };
      const call = { method: 'POST', path: 'v1/embed', query, headers, body, signal } as const;
      return (await transport.json(call, guards.isEmbedding)).body;
    },
    /** One page; `items` walks them all. */
    listItems,
    /** Every item that matches, in order of id, a page at a time behind the scenes. */
    async *items(list: Omit<ListOptions, 'after'> & CallOptions = {}): AsyncGenerator<ApiItem> {
      for (let after: string | undefined; ;) {
        const page = await listItems({ limit: 1000, ...list, after });
        yield* page.items;
        if (page.next === null) return;
        after = page.next;
      }
    },
    async getItem(id: string, { signal }: CallOptions = {}): Promise<Tagged<ApiItem>> {
      const { body, etag } = await transport.json({ path: itemPath(id), signal }, guards.isItem);
      return { value: body, etag };
    },
    /** Its picture as it is stored, or a thumbnail so many pixels wide. */
    async getItemImage(id: string, { width, signal }: { readonly width?: number } & CallOptions = {}): Promise<Blob> {
      const query = new URLSearchParams(width === undefined ? {} : { width: String(width) });
      return (await transport.send({ path: `${itemPath(id)}/image`, query, signal })).blob();
    },
    /** Adds or replaces; durable and searchable when it resolves. */
    async putItem(id: string, content: ItemContent, write: WriteOptions = {}): Promise<Tagged<ApiWrite>> {
      const { image, ...rest } = content;
      const how =
        image === undefined
          ? { headers: { ...json, ...conditionHeaders(write) }, body: JSON.stringify(rest) }
          : { headers: conditionHeaders(write), body: itemForm(image, rest) };
      const call = { method: 'PUT', path: itemPath(id), ...how, signal: write.signal } as const;
      const { body, etag } = await transport.json(call, guards.isWrite);
      return { value: body, etag };
    },
    async deleteItem(id: string, write: WriteOptions = {}): Promise<void> {
      const headers = conditionHeaders(write);
      await transport.send({ method: 'DELETE', path: itemPath(id), headers, signal: write.signal });
    },
    /** Many puts and deletes; a result for each, in order. A failed line stops no other. */
    writeItems: (
      lines: Iterable<BatchLine> | AsyncIterable<BatchLine>,
      call: CallOptions = {},
    ): AsyncGenerator<BatchResult> => writeLines(transport, lines, call),
    getStats: async ({ signal }: CallOptions = {}): Promise<ApiStats> =>
      (await transport.json({ path: 'v1/stats', signal }, guards.isStats)).body,
    getModel: async ({ signal }: CallOptions = {}): Promise<ApiModel> =>
      (await transport.json({ path: 'v1/model', signal }, guards.isModel)).body,
    /** The findings, or how far the run is that makes them. @param audit.wait seconds to wait for it */
    async getAudit(audit: { readonly limit?: number; readonly wait?: number } & CallOptions = {}): Promise<ApiAudit> {
      const { limit, wait, signal } = audit;
      const query = new URLSearchParams();
      if (limit !== undefined) query.set('limit', String(limit));
      if (wait !== undefined) query.set('wait', String(wait));
      return (await transport.json({ path: 'v1/audit', query, signal }, guards.isAudit)).body;
    },
    async createSnapshot({ name, signal }: { readonly name?: string } & CallOptions = {}): Promise<ApiSnapshot> {
      const body = JSON.stringify({ name });
      const call = { method: 'POST', path: 'v1/snapshots', headers: json, body, signal } as const;
      return (await transport.json(call, guards.isSnapshot)).body;
    },
    listSnapshots: async ({ signal }: CallOptions = {}): Promise<ApiSnapshots> =>
      (await transport.json({ path: 'v1/snapshots', signal }, guards.isSnapshots)).body,
    /** Whether the process answers at all. */
    isAlive: (call: CallOptions = {}) => isUp('healthz', call),
    /** Whether requests should be sent there. */
    isReady: (call: CallOptions = {}) => isUp('readyz', call),
    /** Measurements in Prometheus' text format. */
    getMetrics: (call: CallOptions = {}) => text('metrics', call),
    /** The API's own description. */
    getOpenApi: async ({ signal }: CallOptions = {}): Promise<Readonly<Record<string, unknown>>> =>
      (await transport.json({ path: 'openapi.json', signal }, guards.isObject)).body,
  };
}

export type KindredClient = ReturnType<typeof createClient>;
