import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ApiModel, ApiStats } from '../../server/schemas/api.js';
import type { ApiSession } from '../../server/schemas/session.js';
import type { Client } from '../api/client.js';
import { toFailure } from '../api/failure.js';
import { isModel, isSession, isStats } from '../api/guards.js';
import { AppContext } from '../hooks/use-app.js';
import { usePageState } from '../hooks/use-page-state.js';
import { usePictureInput } from '../hooks/use-picture-input.js';
import { useRequest } from '../hooks/use-request.js';
import { AnswerCache } from '../state/cache.js';
import { Uploads } from '../state/uploads.js';
import { home, pageSize } from '../state/url-state.js';
import { Announcer } from './announcer.js';
import { BrowsePage } from './browse-page.js';
import { DropOverlay } from './drop-overlay.js';
import { Header } from './header.js';
import { Notice } from './notice.js';
import { ResultsPage } from './results-page.js';

/** The whole page: which of its views is shown, and what all of them share. */
export function App({ client, onLogOut }: { client: Client; onLogOut: () => Promise<void> }) {
  const cache = useMemo(() => new AnswerCache(), []);
  const uploads = useMemo(() => new Uploads(), []);
  const page = usePageState();
  const [message, setMessage] = useState('');
  const [notice, setNotice] = useState<string | null>(null);
  const { state, navigate } = page;
  const lastBrowsed = useRef(home);
  if (state.view.kind === 'browse') lastBrowsed.current = state;
  const browsed = lastBrowsed.current;
  const stats = useRequest<ApiStats>({
    key: 'stats',
    group: 'stats',
    load: (signal) => client.stats(signal),
    cache,
    accepts: isStats,
  });
  const model = useRequest<ApiModel>({
    key: 'model',
    group: 'model',
    load: (signal) => client.model(signal),
    cache,
    accepts: isModel,
  });

  const session = useRequest<ApiSession>({
    key: 'session',
    group: 'session',
    load: (signal) => client.session(signal),
    cache,
    accepts: isSession,
  });

  // Somebody who believes to be logged out and is not must be told.
  const logOut = (): void => {
    onLogOut().catch((error: unknown) => setNotice(`You are still logged in: ${toFailure(error).message}`));
  };

  const openPicture = useCallback(
    (file: File) => {
      setNotice(null);
      const view = { kind: 'upload', key: uploads.add(file), box: null, limit: pageSize } as const;
      navigate({ view, filter: {} });
    },
    [navigate, uploads],
  );
  const dragging = usePictureInput(openPicture, setNotice);

  const statsFailed = stats.failure !== null;
  const retryStats = stats.retry;
  useEffect(() => {
    if (statsFailed) retryStats();
    // Once for every step the visitor takes, not in a loop.
  }, [state]);

  // A notice is about what was just tried: it goes when the page moves on.
  useEffect(() => setNotice(null), [state]);

  const app = useMemo(
    () => ({
      client,
      cache,
      uploads,
      stats: stats.data,
      statsFailed,
      browsed,
      navigate,
      openPicture,
      announce: setMessage,
    }),
    [client, cache, uploads, stats.data, statsFailed, browsed, navigate, openPicture],
  );

  return (
    <AppContext.Provider value={app}>
      <a class="skip-link" href="#main">
        Skip to content
      </a>
      <Header
        model={model.data}
        compact={state.view.kind !== 'browse'}
        session={session.data?.expiresAt ? session.data : null}
        onLogOut={logOut}
      />
      {notice !== null && <Notice text={notice} onClose={() => setNotice(null)} />}
      <main id="main" tabIndex={-1}>
        {state.view.kind === 'browse' ? (
          <BrowsePage page={page} filter={state.filter} />
        ) : (
          <ResultsPage page={page} view={state.view} filter={state.filter} />
        )}
      </main>
      <DropOverlay visible={dragging} />
      <Announcer message={message} />
    </AppContext.Provider>
  );
}
