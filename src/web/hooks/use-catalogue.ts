import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ApiItems } from '../../server/schemas/api.js';
import { isItems } from '../api/guards.js';
import { formatState, pageSize, type Filter } from '../state/url-state.js';
import { isAbort, toFailure, type Failure } from '../api/failure.js';
import { useApp } from './use-app.js';
import { useRequest, type RequestState } from './use-request.js';

export interface Catalogue extends RequestState<ApiItems> {
  readonly loadingMore: boolean;
  /** Why the last "load more" failed. */
  readonly moreFailure: Failure | null;
  readonly loadMore: () => void;
}

/** The items that match a filter, page by page. What was loaded is remembered, so that going back shows all of it. */
export function useCatalogue(filter: Filter): Catalogue {
  const { client, cache } = useApp();
  const key = `items${formatState({ view: { kind: 'browse' }, filter })}`;
  const first = useRequest<ApiItems>({
    key,
    group: 'items',
    load: (signal) => client.items({ limit: pageSize, filter }, signal),
    cache,
    accepts: isItems,
  });
  const [extended, setExtended] = useState<{ key: string; items: ApiItems } | null>(null);
  const [more, setMore] = useState<{ key: string; failure: Failure | null } | null>(null);
  const controller = useRef<AbortController | null>(null);

  useEffect(() => () => controller.current?.abort(), [key]);

  const data = extended?.key === key ? extended.items : first.data;
  const loadMore = useCallback(() => {
    if (!data?.next) return;
    const current = new AbortController();
    controller.current = current;
    setMore({ key, failure: null });
    client.items({ limit: 2 * pageSize, after: data.next, filter }, current.signal).then(
      (page) => {
        if (current.signal.aborted) return;
        const items = { ...page, items: [...data.items, ...page.items] };
        cache.set(key, items);
        setExtended({ key, items });
        setMore(null);
      },
      (error: unknown) => {
        if (!current.signal.aborted && !isAbort(error)) setMore({ key, failure: toFailure(error) });
      },
    );
  }, [cache, client, data, filter, key]);

  const ours = more?.key === key ? more : null;
  return {
    ...first,
    data,
    loadingMore: ours !== null && ours.failure === null,
    moreFailure: ours?.failure ?? null,
    loadMore,
  };
}
