import { KindredError } from '../core/errors.js';
import type { CatalogueItem, Filter, FilterCondition, FilterRange } from './catalogue.js';
import { compareIds } from './item-rules.js';

/** What a filter may be: more would be a way to keep a server busy. */
export const filterLimits = { depth: 8, conditions: 256, values: 10_000 } as const;

export const rangeBounds = ['gt', 'gte', 'lt', 'lte'] as const satisfies readonly (keyof FilterRange)[];

function refuse(rule: string): KindredError {
  return new KindredError('invalid-option', `filter ${rule}`, { field: 'filter' });
}

function isCondition(filter: Filter): filter is FilterCondition {
  return 'field' in filter;
}

/**
 * The filter as every part of the program takes it: checked, and without levels that say nothing. Equal conditions in
 * another order stay another filter.
 * @throws KindredError invalid-option: nested too deeply, too many conditions or values
 */
export function normalFilter(filter: Filter, mostLevels: number = filterLimits.depth): Filter {
  const used = { conditions: 0, values: 0 };
  const normal = (part: Filter, depth: number): Filter => {
    if (depth > mostLevels) throw refuse(`must not be nested deeper than ${mostLevels} levels`);
    if (isCondition(part)) {
      used.conditions++;
      if ('in' in part) used.values += part.in.length;
      if (used.conditions > filterLimits.conditions) {
        throw refuse(`must have at most ${filterLimits.conditions} conditions`);
      }
      if (used.values > filterLimits.values) throw refuse(`must have at most ${filterLimits.values} values`);
      return 'exists' in part && !part.exists ? { not: { field: part.field, exists: true } } : part;
    }
    if ('not' in part) {
      const inner = normal(part.not, depth + 1);
      return 'not' in inner ? inner.not : { not: inner };
    }
    const isAnd = 'and' in part;
    const parts = (isAnd ? part.and : part.or).flatMap((each): readonly Filter[] => {
      const inner = normal(each, depth + 1);
      if (isAnd) return 'and' in inner ? inner.and : [inner];
      return 'or' in inner ? inner.or : [inner];
    });
    const [only] = parts;
    if (only !== undefined && parts.length === 1) return only;
    return isAnd ? { and: parts } : { or: parts };
  };
  return normal(filter, 1);
}

/** All of the filters at once; undefined where there is none. */
export function allOf(...filters: readonly (Filter | undefined)[]): Filter | undefined {
  const given = filters.filter((filter) => filter !== undefined);
  return given.length > 1 ? { and: given } : given[0];
}

/** True when it lets every item through, as no filter would. */
export function isEmptyFilter(filter: Filter): boolean {
  return 'and' in filter && filter.and.length === 0;
}

/** Every field that is asked for. */
export function filterFields(filter: Filter): string[] {
  if (isCondition(filter)) return [filter.field];
  if ('not' in filter) return filterFields(filter.not);
  return ('and' in filter ? filter.and : filter.or).flatMap(filterFields);
}

const numeral = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The number that a text is, as JSON writes numbers. */
export function numberOf(text: string): number | undefined {
  return numeral.test(text) ? Number(text) : undefined;
}

/** The value of an item's field as the text that it compares as; undefined where the item has none. */
export function fieldText(item: CatalogueItem, field: string): string | undefined {
  if (field === 'id') return item.id;
  if (field === 'label') return item.label ?? undefined;
  return Object.hasOwn(item.metadata, field) ? String(item.metadata[field]) : undefined;
}

const holds = {
  gt: (order: number) => order > 0,
  gte: (order: number) => order >= 0,
  lt: (order: number) => order < 0,
  lte: (order: number) => order <= 0,
};

/** How a value lies to a bound: below 0, 0, above 0, or NaN where the two do not compare. */
function orderToBound(text: string, bound: string): number {
  const limit = numberOf(bound);
  if (limit === undefined) return compareIds(text, bound);
  return (numberOf(text) ?? NaN) - limit;
}

function conditionTest(condition: FilterCondition): (text: string | undefined) => boolean {
  if ('in' in condition) {
    const accepted = new Set(condition.in.map(String));
    return (text) => text !== undefined && accepted.has(text);
  }
  if ('exists' in condition) return (text) => (text !== undefined) === condition.exists;
  const bounds = boundsOf(condition);
  return (text) => text !== undefined && bounds.every(({ is, bound }) => holds[is](orderToBound(text, bound)));
}

export function boundsOf(range: FilterRange): { is: keyof FilterRange; bound: string }[] {
  return rangeBounds.flatMap((is) => {
    const bound = range[is];
    return bound === undefined ? [] : [{ is, bound: String(bound) }];
  });
}

/** What the filter says of one item. */
export function filterTest(filter: Filter): (item: CatalogueItem) => boolean {
  if (isCondition(filter)) {
    const test = conditionTest(filter);
    return (item) => test(fieldText(item, filter.field));
  }
  if ('not' in filter) {
    const test = filterTest(filter.not);
    return (item) => !test(item);
  }
  const isAnd = 'and' in filter;
  const tests = (isAnd ? filter.and : filter.or).map(filterTest);
  return isAnd ? (item) => tests.every((test) => test(item)) : (item) => tests.some((test) => test(item));
}
