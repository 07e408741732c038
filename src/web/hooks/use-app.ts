import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ApiStats } from '../../server/schemas/api.js';
import type { Client } from '../api/client.js';
import type { AnswerCache } from '../state/cache.js';
import type { Uploads } from '../state/uploads.js';
import type { PageState } from '../state/url-state.js';

/** What components at any depth need. */
export interface App {
  readonly client: Client;
  readonly cache: AnswerCache;
  readonly uploads: Uploads;
  /** What is in the index; null until known. */
  readonly stats: ApiStats | null;
  /** Whether `stats` will stay unknown for now: what can do without must not wait for it. */
  readonly statsFailed: boolean;
  /** The catalogue as it was last browsed. */
  readonly browsed: PageState;
  readonly navigate: (next: PageState, how?: 'navigate' | 'adjust') => void;
  /** Searches with a picture from this device. */
  readonly openPicture: (file: File) => void;
  /** Says something to screen readers. */
  readonly announce: (text: string) => void;
}

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error('this component must stand inside AppContext');
  return app;
}
