import type { FilterCondition, FilterRange } from '../catalogue.js';
import { boundsOf, numberOf } from '../item-filter.js';
import { valueAsNumber } from './rows.js';

const signs = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const satisfies Record<keyof FilterRange, string>;

interface Sql {
  readonly text: string;
  readonly params: string[];
}

/** SELECT of the rows that meet a condition, each answered by an index of `fields`, or by that of the ids. */
export function conditionSql(condition: FilterCondition): Sql {
  const { field } = condition;
  const { terms, params } = valueTerms(condition);
  if (field === 'id') {
    const where = terms.length === 0 ? '' : ` WHERE ${terms.join(' AND ')}`;
    return { text: `SELECT row FROM (SELECT row, id AS value FROM items)${where}`, params };
  }
  const where = ['field = ?', ...terms].join(' AND ');
  return { text: `SELECT item AS row FROM fields WHERE ${where}`, params: [field, ...params] };
}

function valueTerms(condition: FilterCondition): { terms: string[]; params: string[] } {
  if ('exists' in condition) return { terms: [], params: [] };
  if ('in' in condition) {
    // Values travel as one JSON array, so that their number meets no limit of SQLite.
    return { terms: ['value IN (SELECT value FROM json_each(?))'], params: [JSON.stringify(condition.in.map(String))] };
  }
  const bounds = boundsOf(condition);
  const terms = bounds.map(({ is, bound }) => {
    if (numberOf(bound) === undefined) return `value ${signs[is]} ?`;
    // Read by SQLite like the values; the sum has no type, or the index of numbers would not be used.
    return `${valueAsNumber} ${signs[is]} 0.0 + CAST(? AS REAL)`;
  });
  return { terms, params: bounds.map(({ bound }) => bound) };
}
