import { z } from 'zod';
import { metadataValue } from './values.js';

/**
 * What goes over HTTP. These schemas validate requests, type the responses, generate /openapi.json, and are the only
 * thing of ours that the page imports (as types).
 */
export const itemSchema = z.object({
  id: z.string(),
  label: z.string().nullable(),
  metadata: z.record(z.string(), metadataValue),
  /** Relative to the API: `v1/items/<percent-encoded id>/image`; null for an item without a picture. */
  image: z.string().nullable(),
  width: z.number().int().nullable(),
  height: z.number().int().nullable(),
});
export type ApiItem = z.infer<typeof itemSchema>;

/** A neighbour. `path` is the item's id as a path relative to the data root, never an absolute one. */
export const resultSchema = itemSchema.extend({
  /** Squared Euclidean distance of unit vectors, 0 … 4. */
  distance: z.number(),
  /** The calibrated probability that it is the same class as the query; null when the model is not calibrated. */
  score: z.number().min(0).max(1).nullable(),
  path: z.string(),
});
export type ApiResult = z.infer<typeof resultSchema>;

const milliseconds = z.number().min(0);

export const searchResponseSchema = z.object({
  /** With groupBy: the best of each group. */
  results: z.array(resultSchema),
  /** With groupBy: what the items of the group have in the field, and the nearest of them. */
  groups: z.array(z.object({ value: metadataValue, results: z.array(resultSchema) })).optional(),
  /** What was asked: an item's id, or null for an uploaded picture or a vector. */
  query: z.object({ id: z.string().nullable(), width: z.number().nullable(), height: z.number().nullable() }),
  /** Send it with the same query for the next page; null when there is none. */
  cursor: z.string().nullable(),
  tookMs: z.number(),
  /** Milliseconds of each stage; a batch embeds all of its pictures together. */
  timings: z.object({ embed: milliseconds, search: milliseconds, score: milliseconds }),
});
export type ApiSearchResponse = z.infer<typeof searchResponseSchema>;

export const boxSchema = z
  .object({
    x: z.number().min(0).max(1),
    y: z.number().min(0).max(1),
    w: z.number().gt(0).max(1),
    h: z.number().gt(0).max(1),
  })
  .refine((box) => box.x + box.w <= 1.0001 && box.y + box.h <= 1.0001, { error: 'must lie within the picture' });

export const limitSchema = z.coerce.number().int().min(1).max(1000);

/** Results of a search: a number, or `auto`, as many as keep the expected precision. */
export const resultLimitSchema = z.union([z.literal('auto'), limitSchema], {
  error: 'must be a whole number from 1 to 1000, or auto',
});
export const precisionSchema = z.coerce.number().min(0).max(1).meta({
  description: 'With limit=auto: the expected share of results that are right; 0.9 where absent.',
});
export const itemsResponseSchema = z.object({
  items: z.array(itemSchema),
  /** Give it as `after` to get the next page; null on the last one. */
  next: z.string().nullable(),
  total: z.number().int(),
});
export type ApiItems = z.infer<typeof itemsResponseSchema>;

/** Of a share of the live queries: how much of the exact answer was given. */
export const truthSchema = z.object({
  share: z.number(),
  recallAt10: z.number().nullable(),
  checked: z.number().int(),
  window: z.number().int(),
  waiting: z.number().int(),
  total: z.object({ checked: z.number().int(), dropped: z.number().int(), stale: z.number().int() }),
});

export const statsResponseSchema = z.object({
  items: z.number().int(),
  labels: z.number().int(),
  dimension: z.number().int(),
  fingerprint: z.string(),
  changeNumber: z.number().int(),
  graph: z.object({ state: z.enum(['ready', 'building', 'none']), items: z.number().int() }),
  /** Null where nothing is checked. */
  truth: truthSchema.nullable(),
  fields: z.array(
    z.object({
      field: z.string(),
      distinct: z.number().int(),
      values: z.array(z.object({ value: metadataValue, count: z.number().int() })),
    }),
  ),
});
export type ApiStats = z.infer<typeof statsResponseSchema>;

/** What the bundle behind the index says of itself; null where it says nothing. */
export const modelResponseSchema = z.object({
  fingerprint: z.string(),
  dimension: z.number().int(),
  /** Side of the square that the network sees, in pixels. */
  inputSize: z.number().int(),
  backbone: z.string(),
  loss: z.string().nullable(),
  densityTerm: z.string().nullable(),
  /** Measured after training on classes never trained on, e.g. {"recall@1": 0.87, "map@r": 0.39}. */
  metrics: z.record(z.string(), z.number()),
  dataset: z.string().nullable(),
  /** The kindred version that made the bundle. */
  madeBy: z.string().nullable(),
});
export type ApiModel = z.infer<typeof modelResponseSchema>;

export const embedResponseSchema = z.object({
  embedding: z.array(z.number()),
  dimension: z.number().int(),
  fingerprint: z.string(),
});

export type ApiEmbedding = z.infer<typeof embedResponseSchema>;

/** RFC 9457. `code` is one of core/errors.ts; `field` names what was wrong in the request. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string(),
    field: z.string().optional(),
    hint: z.string().optional(),
    /** As in X-Request-Id and the server's logs. */
    requestId: z.string().optional(),
  })
  .meta({
    examples: [
      {
        type: 'urn:kindred:problem:invalid-option',
        title: 'invalid option',
        status: 422,
        code: 'invalid-option',
        detail: 'limit must be at most 1000',
        field: 'limit',
      },
    ],
  });
export type ApiProblem = z.infer<typeof problemSchema>;
