import { z } from 'zod';
import type { MetadataValue } from '../../core/metadata.js';
import type { Filter, FilterCondition } from '../../indexing/catalogue.js';
import { rangeBounds } from '../../indexing/item-filter.js';
import { metadataValue } from './values.js';

const values = z.array(metadataValue).min(1);
const bound = z.union([z.number(), z.string()]);

const operatorNames = 'eq, in, gt, gte, lt, lte, not and exists';

const operators = z
  .strictObject({
    eq: metadataValue.optional(),
    in: values.optional(),
    gt: bound.optional(),
    gte: bound.optional(),
    lt: bound.optional(),
    lte: bound.optional(),
    not: z.union([metadataValue, values]).optional(),
    exists: z.boolean().optional(),
  })
  .refine((given) => Object.values(given).some((value) => value !== undefined));
type Operators = z.infer<typeof operators>;

const condition = z.union([metadataValue, values, operators], {
  error: `must be a value, a list of values, or an object of ${operatorNames}`,
});

export interface JsonFilter {
  readonly $and?: JsonFilter[] | undefined;
  readonly $or?: JsonFilter[] | undefined;
  readonly $not?: JsonFilter | undefined;
  readonly [field: string]: z.infer<typeof condition> | JsonFilter[] | JsonFilter | undefined;
}

/** A filter in JSON; what it holds must all be true. `toFilter` makes the catalogue's tree of it. */
export const filterSchema: z.ZodType<JsonFilter> = z
  .object({
    get $and() {
      return z.array(filterSchema).min(1).optional();
    },
    get $or() {
      return z.array(filterSchema).min(1).optional();
    },
    get $not() {
      return filterSchema.optional();
    },
  })
  .catchall(condition)
  .meta({
    description: `field → a value, several of which one must match, or an object of ${operatorNames}; $and, $or and $not combine.`,
  });

const listOf = (value: MetadataValue | readonly MetadataValue[]): readonly MetadataValue[] =>
  typeof value === 'object' ? value : [value];

function conditionsOf(field: string, given: Operators): Filter[] {
  const { eq, in: accepted, not, exists } = given;
  const range: FilterCondition = { field, ...Object.fromEntries(rangeBounds.map((name) => [name, given[name]])) };
  return [
    ...(eq === undefined ? [] : [{ field, in: [eq] }]),
    ...(accepted === undefined ? [] : [{ field, in: accepted }]),
    ...(rangeBounds.some((name) => given[name] !== undefined) ? [range] : []),
    ...(not === undefined ? [] : [{ not: { field, in: listOf(not) } }]),
    ...(exists === undefined ? [] : [{ field, exists }]),
  ];
}

/** The JSON form as the catalogue's. */
export function toFilter({ $and, $or, $not, ...fields }: JsonFilter): Filter {
  const parts = Object.entries(fields).flatMap(([field, given]): Filter[] => {
    const parsed = condition.parse(given);
    if (typeof parsed !== 'object' || Array.isArray(parsed)) return [{ field, in: listOf(parsed) }];
    return conditionsOf(field, parsed);
  });
  if ($and !== undefined) parts.push(...$and.map(toFilter));
  if ($or !== undefined) parts.push({ or: $or.map(toFilter) });
  if ($not !== undefined) parts.push({ not: toFilter($not) });
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : { and: parts };
}
