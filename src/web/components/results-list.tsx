import { useEffect } from 'preact/hooks';
import { useApp } from '../hooks/use-app.js';
import type { Query } from '../hooks/use-query.js';
import { hasSameLabel, plural } from '../state/format.js';
import { maxResults, pageSize, type Filter, type SearchView } from '../state/url-state.js';
import { ClosenessLegend } from './closeness-legend.js';
import { EmptyPanel } from './empty-panel.js';
import { FailurePanel } from './failure-panel.js';
import { FilterBar } from './filter-bar.js';
import { LoadMore } from './load-more.js';
import { PictureButton } from './picture-button.js';
import { ResultCard } from './result-card.js';
import { SkeletonGrid } from './skeleton-grid.js';

interface ResultsListProps {
  readonly query: Query;
  readonly view: SearchView;
  readonly filter: Filter;
}

/** The neighbours, nearest first, with the filter that narrows them. */
export function ResultsList({ query, view, filter }: ResultsListProps) {
  const { navigate, announce } = useApp();
  const { data, loading, failure, retry } = query.results;
  const item = query.item.data;
  const found = data?.results ?? [];
  const same = found.filter((result) => hasSameLabel(result, item)).length;
  const filtered = Object.keys(filter).length > 0;
  const summary = found.length === 0 ? 'Nothing found' : `${plural(found.length, 'closest item')}, nearest first`;

  useEffect(() => {
    if (data && !loading) announce(summary);
  }, [announce, data, loading, summary]);

  const clear = (): void => navigate({ view, filter: {} });
  return (
    <section class="results" aria-labelledby="results-title" aria-busy={loading}>
      <div class="section-head">
        <h2 id="results-title">Closest matches</h2>
        <p class="count">
          {loading ? 'Searching…' : failure ? ' ' : summary}
          {!loading && same > 0 && <span class="count-same">{` · ${same} with the same label`}</span>}
        </p>
      </div>
      <FilterBar filter={filter} label="Filter the results" onChange={(next) => navigate({ view, filter: next })} />
      {failure ? (
        <FailurePanel failure={failure} onRetry={retry}>
          {filtered && (
            <button type="button" class="button" onClick={clear}>
              Clear filter
            </button>
          )}
          {view.kind === 'upload' && <PictureButton text="Choose another picture" />}
        </FailurePanel>
      ) : data === null ? (
        <>
          <ClosenessLegend />
          <SkeletonGrid count={pageSize} withBar />
        </>
      ) : found.length === 0 ? (
        <EmptyPanel title={filtered ? 'Nothing matches this filter' : 'There is nothing to compare with'}>
          <p>{filtered ? 'No item that passes the filter was found.' : 'This catalogue has no other items.'}</p>
          {filtered && (
            <button type="button" class="button button-primary" onClick={clear}>
              Clear filter
            </button>
          )}
        </EmptyPanel>
      ) : (
        <>
          <ClosenessLegend scored={found.some(({ score }) => score !== null)} />
          <ul class={loading ? 'grid grid-stale' : 'grid'}>
            {found.map((result) => (
              <ResultCard key={result.id} result={result} query={item} filter={filter} />
            ))}
          </ul>
          <LoadMore
            shown={`${plural(found.length, 'item')} shown`}
            hasMore={found.length >= view.limit && view.limit < maxResults}
            loading={loading}
            failure={null}
            onMore={() =>
              navigate({ view: { ...view, limit: Math.min(maxResults, view.limit + pageSize) }, filter }, 'adjust')
            }
          />
        </>
      )}
    </section>
  );
}
