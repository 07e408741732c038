import type { ComponentChildren, TargetedMouseEvent } from 'preact';
import { useApp } from '../hooks/use-app.js';
import { hrefOf } from '../hooks/use-page-state.js';
import type { PageState } from '../state/url-state.js';

interface LinkProps {
  readonly to: PageState;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly label?: string;
  /** Lets the focus find its way back to this link. */
  readonly itemId?: string;
}

/** A real link to a state of the page: it can be opened in a new tab, and moves within the page when clicked. */
export function Link({ to, children, class: className, label, itemId }: LinkProps) {
  const { navigate } = useApp();
  const follow = (event: TargetedMouseEvent<HTMLAnchorElement>): void => {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!plain) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a href={hrefOf(to)} class={className} aria-label={label} data-item={itemId} onClick={follow}>
      {children}
    </a>
  );
}
