import { useRef } from 'preact/hooks';
import { useApp } from '../hooks/use-app.js';
import { useArrival } from '../hooks/use-arrival.js';
import type { PageStateHandle } from '../hooks/use-page-state.js';
import { useQuery } from '../hooks/use-query.js';
import type { Filter, SearchView } from '../state/url-state.js';
import { ItemMissing } from './item-missing.js';
import { MissingUpload } from './missing-upload.js';
import { QueryPanel } from './query-panel.js';
import { ResultsHead } from './results-head.js';
import { ResultsList } from './results-list.js';

interface ResultsPageProps {
  readonly page: PageStateHandle;
  readonly view: SearchView;
  readonly filter: Filter;
}

/** What was asked for on one side, what looks like it on the other. */
export function ResultsPage({ page, view, filter }: ResultsPageProps) {
  const { uploads } = useApp();
  const heading = useRef<HTMLHeadingElement>(null);
  const query = useQuery(view, filter);
  const { results, item } = query;
  const viewKey = view.kind === 'item' ? `item ${view.id}` : `upload ${view.key}`;
  useArrival(page, heading, viewKey, results.data !== null || results.failure !== null);

  if (view.kind === 'upload' && !uploads.get(view.key)) return <MissingUpload heading={heading} />;
  if (item.failure?.code === 'item-not-found') {
    return <ItemMissing heading={heading} failure={item.failure} />;
  }
  return (
    <>
      <ResultsHead heading={heading} view={view} item={item.data} />
      <div class="results-layout">
        <QueryPanel view={view} filter={filter} item={item} size={results.data?.query ?? null} />
        <ResultsList query={query} view={view} filter={filter} />
      </div>
    </>
  );
}
