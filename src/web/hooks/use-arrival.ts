import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import type { PageStateHandle } from './use-page-state.js';

/**
 * Puts focus and scroll where one expects them when the view has changed: at the heading after following a link; where
 * one was, on the card one came from, after going back.
 * @param ready whether what belongs on the page is there, so that it is tall enough to scroll
 */
export function useArrival(
  page: PageStateHandle,
  heading: RefObject<HTMLElement>,
  viewKey: string,
  ready: boolean,
): void {
  const { arrival, previous, savedScroll } = page;

  useLayoutEffect(() => {
    if (arrival === 'navigate') {
      window.scrollTo(0, 0);
      heading.current?.focus({ preventScroll: true });
    }
    // Only a change of view is an arrival; a changed filter or box leaves the focus where it is.
  }, [viewKey]);

  useEffect(() => {
    if (arrival !== 'history' || !ready) return;
    window.scrollTo(0, savedScroll);
    const came = previous?.view.kind === 'item' ? previous.view.id : null;
    const card = came === null ? null : document.querySelector(`main [data-item="${CSS.escape(came)}"]`);
    if (card instanceof HTMLElement) card.focus({ preventScroll: true });
    else heading.current?.focus({ preventScroll: true });
  }, [viewKey, ready]);
}
