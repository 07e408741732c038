import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isObject } from '../api/guards.js';
import { formatState, parseState, type PageState } from '../state/url-state.js';

/** How the page came to its present state. */
export type Arrival = 'load' | 'navigate' | 'adjust' | 'history';

export interface PageStateHandle {
  readonly state: PageState;
  /** The state before this one; null at first. */
  readonly previous: PageState | null;
  readonly arrival: Arrival;
  /** Where the window was scrolled to when this history entry was last seen. */
  readonly savedScroll: number;
  /** Goes to another state; `adjust` replaces the history entry instead of adding one. */
  readonly navigate: (next: PageState, how?: 'navigate' | 'adjust') => void;
}

/** The address of a state, for links. */
export function hrefOf(state: PageState): string {
  // An empty href would keep the present query.
  return formatState(state) || './';
}

let entryCount = 0;

function newEntry(): { entry: string } {
  entryCount += 1;
  return { entry: `${Date.now().toString(36)}-${entryCount}` };
}

function entryOf(state: unknown): string | null {
  return isObject(state) && typeof state['entry'] === 'string' ? state['entry'] : null;
}

/** Keeps the page's state in its address: reads it, writes it, follows back and forward. */
export function usePageState(): PageStateHandle {
  const scrolls = useRef(new Map<string, number>());
  const [visit, setVisit] = useState<Omit<PageStateHandle, 'navigate'>>(() => ({
    state: parseState(window.location.search),
    previous: null,
    arrival: 'load',
    savedScroll: 0,
  }));

  useEffect(() => {
    window.history.scrollRestoration = 'manual';
    if (entryOf(window.history.state) === null) window.history.replaceState(newEntry(), '');
    const remember = (): void => {
      const entry = entryOf(window.history.state);
      if (entry !== null) scrolls.current.set(entry, window.scrollY);
    };
    const follow = (): void => {
      const entry = entryOf(window.history.state);
      const savedScroll = (entry === null ? undefined : scrolls.current.get(entry)) ?? 0;
      setVisit(({ state }) => ({
        state: parseState(window.location.search),
        previous: state,
        arrival: 'history',
        savedScroll,
      }));
    };
    window.addEventListener('scroll', remember, { passive: true });
    window.addEventListener('popstate', follow);
    return () => {
      window.removeEventListener('scroll', remember);
      window.removeEventListener('popstate', follow);
    };
  }, []);

  const navigate = useCallback((next: PageState, how: 'navigate' | 'adjust' = 'navigate') => {
    const entry = entryOf(window.history.state);
    if (entry !== null) scrolls.current.set(entry, window.scrollY);
    if (how === 'adjust') window.history.replaceState(window.history.state, '', hrefOf(next));
    else window.history.pushState(newEntry(), '', hrefOf(next));
    setVisit(({ state }) => ({ state: next, previous: state, arrival: how, savedScroll: 0 }));
  }, []);

  return { ...visit, navigate };
}
