import type { ApiItem } from '../../server/schemas/api.js';
import { useApp } from '../hooks/use-app.js';
import { filterFields } from '../state/filter-fields.js';
import { fieldTitle } from '../state/format.js';
import { Link } from './link.js';

/** What the catalogue knows about an item; values that others share lead to them. */
export function ItemFacts({ item }: { item: ApiItem }) {
  const { stats } = useApp();
  const shared = new Set(stats ? filterFields(stats).map(({ field }) => field) : []);
  const facts = Object.entries({ ...(item.label === null ? {} : { label: item.label }), ...item.metadata });
  return (
    <dl class="item-facts">
      {facts.map(([field, value]) => (
        <div key={field}>
          <dt>{fieldTitle(field)}</dt>
          <dd>
            {shared.has(field) ? (
              <Link
                to={{ view: { kind: 'browse' }, filter: { [field]: String(value) } }}
                class="text-link"
                label={`Browse items with ${field} ${String(value)}`}
              >
                {String(value)}
              </Link>
            ) : (
              String(value)
            )}
          </dd>
        </div>
      ))}
      <div>
        <dt>Id</dt>
        <dd class="item-id">{item.id}</dd>
      </div>
    </dl>
  );
}
