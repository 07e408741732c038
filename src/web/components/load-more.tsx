import type { Failure } from '../api/failure.js';

interface LoadMoreProps {
  /** "24 of 6,312 shown" */
  readonly shown: string;
  readonly hasMore: boolean;
  readonly loading: boolean;
  readonly failure: Failure | null;
  readonly onMore: () => void;
}

/** The end of a grid: how much of it is shown, and more on request. */
export function LoadMore({ shown, hasMore, loading, failure, onMore }: LoadMoreProps) {
  return (
    <div class="load-more">
      {failure && (
        <p class="load-more-failure" role="alert">
          {failure.title}. {failure.hint}
        </p>
      )}
      <p>{shown}</p>
      {hasMore && (
        // Not disabled while loading: a disabled button loses the focus.
        <button type="button" class="button" aria-disabled={loading} onClick={() => !loading && onMore()}>
          {loading ? 'Loading…' : failure ? 'Try again' : 'Show more'}
        </button>
      )}
    </div>
  );
}
