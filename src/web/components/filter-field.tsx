import { useEffect, useId, useState } from 'preact/hooks';
import type { FilterField as Field } from '../state/filter-fields.js';
import { fieldTitle, formatCount } from '../state/format.js';
import { ChevronIcon } from './icons.js';

interface FilterFieldProps {
  readonly field: Field;
  /** '' for any. */
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** One condition: a list of all values, or a text field with suggestions where there are too many to list. */
export function FilterField({ field, value, onChange }: FilterFieldProps) {
  const id = useId();
  return (
    <div class={value ? 'filter-field filter-active' : 'filter-field'}>
      <label for={id}>{fieldTitle(field.field)}</label>
      {field.complete ? (
        <span class="select">
          <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
            <option value="">Any</option>
            {value && !field.choices.some((choice) => choice.value === value) && <option value={value}>{value}</option>}
            {field.choices.map((choice) => (
              <option key={choice.value} value={choice.value}>
                {`${choice.value} (${formatCount(choice.count)})`}
              </option>
            ))}
          </select>
          <ChevronIcon />
        </span>
      ) : (
        <SuggestedText id={id} field={field} value={value} onChange={onChange} />
      )}
    </div>
  );
}

function SuggestedText({ id, field, value, onChange }: FilterFieldProps & { id: string }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const apply = (next: string): void => {
    if (next.trim() !== value) onChange(next.trim());
  };
  return (
    <>
      <input
        id={id}
        type="search"
        list={`${id}-values`}
        placeholder="Any – type to find one"
        autocomplete="off"
        value={text}
        onInput={(event) => {
          const next = event.currentTarget.value;
          setText(next);
          // Choosing a suggestion, or emptying the field, needs no Enter.
          if (next === '' || field.choices.some((choice) => choice.value === next)) apply(next);
        }}
        onChange={(event) => apply(event.currentTarget.value)}
      />
      <datalist id={`${id}-values`}>
        {field.choices.map((choice) => (
          <option key={choice.value} value={choice.value} />
        ))}
      </datalist>
    </>
  );
}
