import type { ComponentChildren, TargetedMouseEvent } from 'preact';
import type { ApiItem } from '../../server/schemas/api.js';
import { useApp } from '../hooks/use-app.js';
import { hrefOf } from '../hooks/use-page-state.js';
import { itemKey } from '../state/cache.js';
import type { PageState } from '../state/url-state.js';

interface LinkProps {
  readonly to: PageState;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly label?: string;
  /** The item that the link leads to: it is shown without waiting, and the focus finds its way back to the link. */
  readonly item?: ApiItem;
}

/** A real link to a state of the page: it can be opened in a new tab, and moves within the page when clicked. */
export function Link({ to, children, class: className, label, item }: LinkProps) {
  const { navigate, cache } = useApp();
  const follow = (event: TargetedMouseEvent<HTMLAnchorElement>): void => {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!plain) return;
    event.preventDefault();
    if (item) cache.set(itemKey(item.id), item);
    navigate(to);
  };
  return (
    <a href={hrefOf(to)} class={className} aria-label={label} data-item={item?.id} onClick={follow}>
      {children}
    </a>
  );
}
