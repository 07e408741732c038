import fc from 'fast-check';
import type { CatalogueItem, Filter } from '../../src/indexing/catalogue.js';

const values = fc.oneof(
  fc.integer({ min: -3, max: 12 }),
  fc.constantFrom('1', '2.5', '10', '007', '2024-01-02', 'red', 'Rød', '🙂', '', 'true', '1e1', 1e21, 0.1, true, false),
);
const bounds = fc.oneof(fc.integer({ min: -3, max: 12 }), fc.constantFrom('1', '10', '2024', 'r', '', '007', 2.5, 0.1));

/** Fields that every catalogue of the test has. */
export const filteredFields = ['n', 'mixed'];

export const filteredMetadata = fc.record({ n: fc.integer({ min: -3, max: 12 }), mixed: values }, { requiredKeys: [] });

const field = fc.constantFrom('id', 'label', ...filteredFields);

const condition: fc.Arbitrary<Filter> = fc.oneof(
  fc.record({ field, in: fc.array(values, { maxLength: 3 }) }),
  fc.record({ field, exists: fc.boolean() }),
  fc
    .record({ field, gt: bounds, gte: bounds, lt: bounds, lte: bounds }, { requiredKeys: ['field'] })
    .filter((range) => Object.keys(range).length > 1),
);

export const filters = fc.letrec<{ tree: Filter }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'filter' },
    condition,
    fc.record({ and: fc.array(tie('tree'), { maxLength: 3, depthIdentifier: 'filter' }) }),
    fc.record({ or: fc.array(tie('tree'), { maxLength: 3, depthIdentifier: 'filter' }) }),
    fc.record({ not: tie('tree') }),
  ),
})).tree;

const numeric = (value: unknown): boolean => /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(String(value));

/** What the contract says of one item, as plainly as can be. */
export function naiveMatch(filter: Filter, item: CatalogueItem): boolean {
  if ('and' in filter) return filter.and.every((part) => naiveMatch(part, item));
  if ('or' in filter) return filter.or.some((part) => naiveMatch(part, item));
  if ('not' in filter) return !naiveMatch(filter.not, item);
  const value =
    filter.field === 'id' ? item.id : filter.field === 'label' ? item.label : (item.metadata[filter.field] ?? null);
  if ('exists' in filter) return (value !== null) === filter.exists;
  if (value === null) return false;
  if ('in' in filter) return filter.in.some((one) => String(one) === String(value));
  const compare = (limit: string | number): number => {
    if (!numeric(limit)) return Buffer.compare(Buffer.from(String(value)), Buffer.from(String(limit)));
    return numeric(value) ? Number(value) - Number(limit) : NaN;
  };
  const { gt, gte, lt, lte } = filter;
  if (gt !== undefined && !(compare(gt) > 0)) return false;
  if (gte !== undefined && !(compare(gte) >= 0)) return false;
  if (lt !== undefined && !(compare(lt) < 0)) return false;
  return lte === undefined || compare(lte) <= 0;
}
