import type { ApiItem, ApiSearchResponse } from '../../server/schemas/api.js';
import { isItem, isSearchResponse } from '../api/guards.js';
import { itemKey } from '../state/cache.js';
import { formatState, type Filter, type SearchView } from '../state/url-state.js';
import { useApp } from './use-app.js';
import { useRequest, type RequestState } from './use-request.js';

export interface Query {
  /** The item that was asked for; nothing for an uploaded picture. */
  readonly item: RequestState<ApiItem>;
  readonly results: RequestState<ApiSearchResponse>;
}

/** Asks for the neighbours that a state of the page names. */
export function useQuery(view: SearchView, filter: Filter): Query {
  const { client, cache, uploads } = useApp();
  const file = view.kind === 'upload' ? uploads.get(view.key) : null;
  const subject = view.kind === 'item' ? `item ${view.id}` : `upload ${view.key}`;
  const item = useRequest<ApiItem>({
    key: view.kind === 'item' ? itemKey(view.id) : null,
    group: subject,
    load: (signal) => client.item(view.kind === 'item' ? view.id : '', signal),
    cache,
    accepts: isItem,
  });
  const results = useRequest<ApiSearchResponse>({
    key: view.kind === 'upload' && !file ? null : `search${formatState({ view, filter })}`,
    group: subject,
    load: (signal) => {
      const options = { limit: view.limit, filter, box: view.box };
      if (view.kind === 'item') return client.similar(view.id, options, signal);
      return client.searchImage(file ?? new Blob(), options, signal);
    },
    cache,
    accepts: isSearchResponse,
  });
  const retry = (): void => {
    if (item.failure) item.retry();
    results.retry();
  };
  return { item, results: { ...results, retry } };
}
