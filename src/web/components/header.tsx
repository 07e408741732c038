import type { ApiModel } from '../../server/schemas/api.js';
import type { ApiSession } from '../../server/schemas/session.js';
import { useApp } from '../hooks/use-app.js';
import { plural } from '../state/format.js';
import { home } from '../state/url-state.js';
import { Link } from './link.js';
import { PictureButton } from './picture-button.js';

interface HeaderProps {
  readonly model: ApiModel | null;
  /** Offers a new search: on the start page the large drop area does. */
  readonly compact: boolean;
  /** The log-in, where there is one to end. */
  readonly session: ApiSession | null;
  readonly onLogOut: () => void;
}

/** The name, what is in the index, and the model that judges what looks alike. */
export function Header({ model, compact, session, onLogOut }: HeaderProps) {
  const { stats } = useApp();
  const facts = [
    { term: 'Catalogue', value: stats ? plural(stats.items, 'item') : null },
    { term: 'Network', value: model?.backbone ?? null },
    {
      term: 'Trained with',
      value: model?.loss ? [model.loss, model.densityTerm].filter((part) => part && part !== 'none').join(' + ') : null,
    },
  ];
  return (
    <header class="site-header">
      <Link to={home} class="wordmark" label="kindred, start page">
        <span class="wordmark-sign" aria-hidden="true" />
        kindred
      </Link>
      <dl class="facts" aria-label="About this index">
        {facts.map(({ term, value }) =>
          value === null ? null : (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      {compact && <PictureButton text="Search with a picture" />}
      {session !== null && (
        <button type="button" class="button button-quiet button-small" onClick={onLogOut}>
          Log out<span class="visually-hidden"> {session.name}</span>
        </button>
      )}
    </header>
  );
}
