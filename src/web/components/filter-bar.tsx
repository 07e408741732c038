import { useApp } from '../hooks/use-app.js';
import { filterFields } from '../state/filter-fields.js';
import { withFilter, type Filter } from '../state/url-state.js';
import { FilterField } from './filter-field.js';

interface FilterBarProps {
  readonly filter: Filter;
  readonly onChange: (filter: Filter) => void;
  /** What is filtered, for screen readers. */
  readonly label: string;
}

/** Narrows what is shown by the catalogue's own fields. */
export function FilterBar({ filter, onChange, label }: FilterBarProps) {
  const { stats, statsFailed } = useApp();
  if (!stats && !statsFailed) return <div class="filter-bar filter-bar-waiting" aria-hidden="true" />;
  const offered = stats ? filterFields(stats) : [];
  // A shared link may filter by a field that is not offered: it must be seen and can be removed.
  const others = Object.keys(filter).filter((name) => !offered.some(({ field }) => field === name));
  const fields = [...offered, ...others.map((field) => ({ field, choices: [], complete: false }))];
  if (fields.length === 0) return null;
  const active = Object.keys(filter).length > 0;
  return (
    <div class="filter-bar" role="group" aria-label={label}>
      {fields.map((field) => (
        <FilterField
          key={field.field}
          field={field}
          value={filter[field.field] ?? ''}
          onChange={(value) => onChange(withFilter(filter, field.field, value))}
        />
      ))}
      {active && (
        <button type="button" class="button button-quiet" onClick={() => onChange({})}>
          Clear filter
        </button>
      )}
    </div>
  );
}
