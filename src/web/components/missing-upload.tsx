import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import { home } from '../state/url-state.js';
import { Link } from './link.js';
import { PictureDrop } from './picture-drop.js';

/** An address of a search with a picture that is not on this page any more. */
export function MissingUpload({ heading }: { heading: RefObject<HTMLHeadingElement> }) {
  useEffect(() => {
    document.title = 'Picture not kept – kindred';
  }, []);
  return (
    <div class="state-panel state-page">
      <h1 ref={heading} tabIndex={-1}>
        This picture was not kept
      </h1>
      <p>
        This address belongs to a search with a picture from someone’s device. kindred does not store such pictures, so
        they are gone when the page is closed or reloaded. Choose the picture again to repeat the search.
      </p>
      <PictureDrop />
      <Link to={home} class="text-link">
        Browse the catalogue instead
      </Link>
    </div>
  );
}
