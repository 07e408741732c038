import type { SearchView } from '../state/url-state.js';
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ApiItem } from '../../server/schemas/api.js';
import { useApp } from '../hooks/use-app.js';
import { nameOf } from '../state/format.js';
import { BackIcon } from './icons.js';
import { Link } from './link.js';

interface ResultsHeadProps {
  readonly heading: RefObject<HTMLHeadingElement>;
  readonly view: SearchView;
  readonly item: ApiItem | null;
}

/** The way back, and what is being looked for. */
export function ResultsHead({ heading, view, item }: ResultsHeadProps) {
  const { browsed } = useApp();
  const name = view.kind === 'upload' ? 'your picture' : nameOf(item ?? { id: view.id, label: null });
  useEffect(() => {
    document.title = `Looks like ${name} – kindred`;
  }, [name]);
  return (
    <div class="results-head">
      <Link to={browsed} class="back-link">
        <BackIcon />
        All items
      </Link>
      <h1 ref={heading} tabIndex={-1}>
        {view.box ? 'Looks like a part of ' : 'Looks like '}
        <em>{name}</em>
      </h1>
    </div>
  );
}
