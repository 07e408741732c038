import type { ApiItem } from '../../server/schemas/api.js';
import { useApp } from '../hooks/use-app.js';
import { filterFields } from '../state/filter-fields.js';
import { fieldTitle } from '../state/format.js';
import { Link } from './link.js';

/** Wide enough to show an item's facts beside the results rather than above them. */
const roomy = window.matchMedia('(width >= 860px)');

/** What the catalogue knows about an item; values that others share lead to them. */
export function ItemFacts({ item }: { item: ApiItem }) {
  const { stats } = useApp();
  const shared = new Set(stats ? filterFields(stats).map(({ field }) => field) : []);
  const labelled = item.label === null ? [] : [['label', item.label] as const];
  const facts = [
    ...labelled,
    ...Object.entries(item.metadata).map(([field, value]) => [field, String(value)] as const),
  ];
  return (
    <details class="about" open={roomy.matches}>
      <summary>About this item</summary>
      <dl class="item-facts">
        {facts.map(([field, value]) => (
          <div key={field}>
            <dt>{fieldTitle(field)}</dt>
            <dd>
              {shared.has(field) ? (
                <Link
                  to={{ view: { kind: 'browse' }, filter: { [field]: value } }}
                  class="text-link"
                  label={`Browse items with ${field} ${value}`}
                >
                  {value}
                </Link>
              ) : (
                value
              )}
            </dd>
          </div>
        ))}
        <div>
          <dt>Id</dt>
          <dd class="item-id">{item.id}</dd>
        </div>
      </dl>
    </details>
  );
}
