import type { ApiStats } from '../../server/schemas/api.js';

export interface FilterChoice {
  readonly value: string;
  readonly count: number;
}

export interface FilterField {
  readonly field: string;
  /** Most frequent first. */
  readonly choices: readonly FilterChoice[];
  /** Whether `choices` are all there are; otherwise other values may be typed. */
  readonly complete: boolean;
}

const preferred = ['category', 'label'];
const mostFields = 5;
/** A list longer than this is no joy to choose from: a text field with suggestions takes its place. */
const longestList = 60;

/**
 * The fields worth a filter: those that split the catalogue into groups. Fields with one value, or (nearly) a value of
 * its own for every item, are left out. Category and label come first, then the fields with the fewest values.
 */
export function filterFields(stats: Pick<ApiStats, 'items' | 'fields'>): FilterField[] {
  const rank = (field: string): number => {
    const index = preferred.indexOf(field);
    return index < 0 ? preferred.length : index;
  };
  const mostDistinct = (field: string): number => (preferred.includes(field) ? stats.items : stats.items / 2);
  return stats.fields
    .filter(({ field, distinct }) => field !== 'id' && distinct > 1 && distinct <= mostDistinct(field))
    .sort((a, b) => rank(a.field) - rank(b.field) || a.distinct - b.distinct)
    .slice(0, mostFields)
    .map(({ field, distinct, values }) => ({
      field,
      choices: values.map(({ value, count }) => ({ value: String(value), count })),
      complete: distinct <= values.length && distinct <= longestList,
    }));
}
