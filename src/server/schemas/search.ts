import { z } from 'zod';
import { mostExamples } from '../../search/examples.js';
import { boxSchema, precisionSchema, problemSchema, resultLimitSchema, searchResponseSchema } from './api.js';
import { filterSchema } from './filter.js';

const share = z.coerce.number().min(0).max(1);

/** What a search may say beside its examples and its filter, in JSON as in a form or an address. */
export const searchOptions = {
  limit: resultLimitSchema.default(20),
  precision: precisionSchema.optional(),
  groupBy: z
    .string()
    .min(1)
    .meta({ description: 'A field: only the best of all items with the same value; limit counts the groups.' })
    .optional(),
  groupSize: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .meta({ description: 'With groupBy: the best so many of each group.' })
    .optional(),
  minScore: share.meta({ description: 'Only results that likely, among the nearest 1,000.' }).optional(),
  maxDistance: z.coerce.number().min(0).max(4).meta({ description: 'Only results that near.' }).optional(),
  cursor: z
    .string()
    .max(1_000_000)
    .meta({ description: '`cursor` of the page before, sent with the same query.' })
    .optional(),
};
export const efSchema = z.coerce.number().int().min(1).max(10_000);

const countOf = (parts: readonly unknown[]): number => parts.filter((part) => part !== undefined).length;

const exampleFields = {
  id: z.string().optional(),
  vector: z.array(z.number()).optional(),
  image: z.base64().optional(),
  box: boxSchema.optional(),
};
export const exampleSchema = z
  .strictObject(exampleFields)
  .refine(({ id, vector, image }) => countOf([id, vector, image]) === 1, {
    error: 'must have exactly one of id, vector and image',
  });

export type ApiExample = z.infer<typeof exampleSchema>;

export const exampleListSchema = z.array(exampleSchema).min(1).max(mostExamples);
export const negativeWeightSchema = share.meta({
  description: 'Of the mean of the negatives, subtracted from the mean of the positives; 0.25 where absent.',
});

interface Rules {
  readonly limit?: number | 'auto' | undefined;
  readonly precision?: number | undefined;
  readonly groupBy?: string | undefined;
  readonly groupSize?: number | undefined;
  readonly cursor?: string | undefined;
}

/** What options of a search go together. */
export function checkTogether(given: Rules, context: z.RefinementCtx): void {
  const { limit, precision, groupBy, groupSize, cursor } = given;
  const refuse = (field: keyof Rules, message: string): void =>
    context.addIssue({ code: 'custom', path: [field], message });
  if (precision !== undefined && limit !== 'auto') refuse('precision', 'goes with limit auto');
  if (groupSize !== undefined && groupBy === undefined) refuse('groupSize', 'goes with groupBy');
  if (limit === 'auto' && groupBy !== undefined) refuse('groupBy', 'goes with a number as limit');
  if (limit === 'auto' && cursor !== undefined) refuse('cursor', 'goes with a number as limit');
  if (typeof limit === 'number' && limit * (groupSize ?? 1) > 1000) {
    refuse('groupSize', 'times limit must be at most 1000');
  }
}

/** JSON body of POST /v1/search: exactly one of `id`, `vector` and `image` (base64), or a list of `positives`. */
export const searchRequestSchema = z
  .strictObject({
    ...exampleFields,
    positives: exampleListSchema.optional(),
    negatives: exampleListSchema.optional(),
    negativeWeight: negativeWeightSchema.optional(),
    ...searchOptions,
    filter: filterSchema.optional(),
    exact: z.boolean().optional(),
    ef: efSchema.optional(),
  })
  .refine(({ id, vector, image, positives }) => countOf([id, vector, image, positives]) === 1, {
    error: 'give exactly one of id, vector, image and positives',
  })
  .refine(({ positives = [], negatives = [] }) => positives.length + negatives.length <= mostExamples, {
    path: ['negatives'],
    error: `and positives must be at most ${mostExamples} together`,
  })
  .refine(({ box, positives }) => box === undefined || positives === undefined, {
    path: ['box'],
    error: 'goes with each of the positives',
  })
  .superRefine(checkTogether);
export type SearchRequestBody = z.infer<typeof searchRequestSchema>;

/** Searches, and pictures, of one batch. */
export const mostQueries = 32;

/** JSON body of POST /v1/search:batch. Each query is validated for itself, so that a bad one fails alone. */
export const searchBatchSchema = z.strictObject({
  queries: z
    .array(searchRequestSchema)
    .min(1)
    .max(mostQueries)
    .meta({ description: `Bodies as for /v1/search, at most ${mostQueries}, with as many pictures in all.` }),
});

export const searchBatchResponseSchema = z.object({
  /** In the order of the queries: an answer, or what was wrong. */
  answers: z.array(z.union([searchResponseSchema, z.object({ problem: problemSchema })])),
  tookMs: z.number(),
});
export type ApiSearchBatchResponse = z.infer<typeof searchBatchResponseSchema>;
