import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Failure } from '../api/failure.js';
import { sentence } from '../state/format.js';
import { home } from '../state/url-state.js';
import { Link } from './link.js';

/** The address names an item that is not there (any more). */
export function ItemMissing({ heading, failure }: { heading: RefObject<HTMLHeadingElement>; failure: Failure }) {
  useEffect(() => {
    document.title = `${failure.title} – kindred`;
  }, [failure]);
  return (
    <div class="state-panel state-page" role="alert">
      <h1 ref={heading} tabIndex={-1}>
        {failure.title}
      </h1>
      <p>
        {sentence(failure.message)} {failure.hint}
      </p>
      <Link to={home} class="button button-primary">
        Browse the catalogue
      </Link>
    </div>
  );
}
