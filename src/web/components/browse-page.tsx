import { useEffect, useRef } from 'preact/hooks';
import { useApp } from '../hooks/use-app.js';
import { useArrival } from '../hooks/use-arrival.js';
import { useCatalogue } from '../hooks/use-catalogue.js';
import type { PageStateHandle } from '../hooks/use-page-state.js';
import { formatCount, plural } from '../state/format.js';
import { pageSize, type Filter } from '../state/url-state.js';
import { CatalogueEmpty } from './catalogue-empty.js';
import { EmptyPanel } from './empty-panel.js';
import { FailurePanel } from './failure-panel.js';
import { FilterBar } from './filter-bar.js';
import { Hero } from './hero.js';
import { ItemCard } from './item-card.js';
import { LoadMore } from './load-more.js';
import { SkeletonGrid } from './skeleton-grid.js';

/** The start page: what this is, how to begin, and the catalogue to browse. */
export function BrowsePage({ page, filter }: { page: PageStateHandle; filter: Filter }) {
  const { navigate, announce } = useApp();
  const heading = useRef<HTMLHeadingElement>(null);
  const catalogue = useCatalogue(filter);
  const { data, loading, failure } = catalogue;
  const filtered = Object.keys(filter).length > 0;
  useArrival(page, heading, 'browse', data !== null || failure !== null);

  useEffect(() => {
    document.title = 'kindred – find what looks alike';
  }, []);
  useEffect(() => {
    if (data && !loading && filtered) announce(`${plural(data.total, 'item')} match the filter`);
  }, [announce, data, loading, filtered]);

  if (data && !loading && data.total === 0 && !filtered) return <CatalogueEmpty heading={heading} />;
  return (
    <>
      <Hero heading={heading} />
      <section class="catalogue" aria-labelledby="catalogue-title" aria-busy={loading}>
        <div class="section-head">
          <h2 id="catalogue-title">Browse the catalogue</h2>
          <p class="count">{data && !failure ? plural(data.total, 'item') : ' '}</p>
        </div>
        <FilterBar
          filter={filter}
          label="Filter the catalogue"
          onChange={(next) => navigate({ view: { kind: 'browse' }, filter: next })}
        />
        {failure ? (
          <FailurePanel failure={failure} onRetry={catalogue.retry}>
            {filtered && (
              <button type="button" class="button" onClick={() => navigate({ view: { kind: 'browse' }, filter: {} })}>
                Clear filter
              </button>
            )}
          </FailurePanel>
        ) : data === null ? (
          <SkeletonGrid count={pageSize} />
        ) : data.items.length === 0 ? (
          <EmptyPanel title="No item matches this filter">
            <p>Choose another value above, or clear the filter to see everything.</p>
          </EmptyPanel>
        ) : (
          <>
            <ul class={loading ? 'grid grid-stale' : 'grid'}>
              {data.items.map((item) => (
                <ItemCard key={item.id} item={item} />
              ))}
            </ul>
            <LoadMore
              shown={`${formatCount(data.items.length)} of ${formatCount(data.total)} shown`}
              hasMore={data.next !== null}
              loading={catalogue.loadingMore}
              failure={catalogue.moreFailure}
              onMore={catalogue.loadMore}
            />
          </>
        )}
      </section>
    </>
  );
}
