import type { ApiItem, ApiItems, ApiModel, ApiSearchResponse, ApiStats } from '../../server/schemas/api.js';
import type { ApiSession } from '../../server/schemas/session.js';
import type { Box } from '../state/box.js';
import type { Filter } from '../state/url-state.js';
import { fromProblem, isAbort, unexpectedAnswer, unreachable } from './failure.js';
import { isItem, isItems, isModel, isProblem, isSearchResponse, isSession, isStats } from './guards.js';
import { itemsUrl, itemUrl, similarUrl } from './urls.js';

export interface SearchOptions {
  readonly limit: number;
  readonly filter: Filter;
  readonly box: Box | null;
}

/** The part of the HTTP API that the page uses. Every call rejects with a Failure, or an AbortError when aborted. */
export interface Client {
  items(
    options: { limit: number; after?: string | undefined; filter: Filter },
    signal?: AbortSignal,
  ): Promise<ApiItems>;
  item(id: string, signal?: AbortSignal): Promise<ApiItem>;
  similar(id: string, options: SearchOptions, signal?: AbortSignal): Promise<ApiSearchResponse>;
  searchImage(image: Blob, options: SearchOptions, signal?: AbortSignal): Promise<ApiSearchResponse>;
  stats(signal?: AbortSignal): Promise<ApiStats>;
  model(signal?: AbortSignal): Promise<ApiModel>;
  session(signal?: AbortSignal): Promise<ApiSession>;
  logIn(key: string): Promise<ApiSession>;
  logOut(): Promise<void>;
}

const sessionUrl = 'v1/session';
const jsonHeaders = { accept: 'application/json', 'content-type': 'application/json' };

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

async function readJson(response: Response): Promise<unknown> {
  try {
    const body: unknown = await response.json();
    return body;
  } catch (error) {
    if (isAbort(error)) throw error;
    throw unexpectedAnswer(response.status, error);
  }
}

/**
 * Makes a client; `send` is the browser's fetch, or a stand-in in tests. `onLocked` hears of every answer that asks for a
 * key, but for that to logging in.
 */
export function createClient(send: Fetch, onLocked: () => void = () => undefined): Client {
  async function call<T>(url: string, init: RequestInit, accepts: (body: unknown) => body is T): Promise<T> {
    let response: Response;
    try {
      response = await send(url, init);
    } catch (error) {
      if (isAbort(error)) throw error;
      throw unreachable(error);
    }
    const body = await readJson(response);
    if (response.ok && accepts(body)) return body;
    if (response.status === 401 && url !== sessionUrl) onLocked();
    if (response.ok || !isProblem(body)) throw unexpectedAnswer(response.status);
    throw fromProblem(body, response.status);
  }
  const read = (signal: AbortSignal | undefined): RequestInit => ({
    headers: { accept: 'application/json' },
    signal: signal ?? null,
  });
  return {
    items: (options, signal) => call(itemsUrl(options), read(signal), isItems),
    item: (id, signal) => call(itemUrl(id), read(signal), isItem),
    similar: (id, options, signal) => call(similarUrl(id, options), read(signal), isSearchResponse),
    searchImage: (image, options, signal) =>
      call('v1/search', { ...read(signal), method: 'POST', body: searchForm(image, options) }, isSearchResponse),
    stats: (signal) => call('v1/stats', read(signal), isStats),
    model: (signal) => call('v1/model', read(signal), isModel),
    session: (signal) => call(sessionUrl, read(signal), isSession),
    logIn: (key) =>
      call(sessionUrl, { method: 'POST', headers: jsonHeaders, body: JSON.stringify({ key }) }, isSession),
    logOut: async () => {
      const response = await send(sessionUrl, { method: 'DELETE' }).catch((error: unknown) => {
        throw unreachable(error);
      });
      if (!response.ok) throw unexpectedAnswer(response.status);
    },
  };
}

/** The multipart body of an image search. */
export function searchForm(image: Blob, options: SearchOptions): FormData {
  const form = new FormData();
  // Fields first: the server may then reject a bad one before it reads the picture.
  form.set('limit', String(options.limit));
  if (options.box) form.set('box', JSON.stringify(options.box));
  if (Object.keys(options.filter).length > 0) form.set('filter', JSON.stringify(options.filter));
  form.set('image', image);
  return form;
}
