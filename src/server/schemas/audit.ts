import { z } from 'zod';
import { itemSchema, limitSchema } from './api.js';

/** What GET /v1/audit answers, and `kindred audit --json` prints. */
const neighbourSchema = z.object({
  item: itemSchema,
  /** Squared Euclidean distance of unit vectors, 0 … 4. */
  distance: z.number(),
});

export const auditFindingsSchema = z.object({
  /** The change number that the findings belong to. */
  changeNumber: z.number().int(),
  items: z.number().int(),
  /** Items whose picture was read. */
  pictures: z.number().int(),
  /** Items whose picture is gone or cannot be read. */
  unreadable: z.number().int(),
  /** False when too many pictures hash alike for all pairs to be looked at. */
  complete: z.boolean(),
  /** How many of each kind there are; the lists may be cut to `limit`. */
  counts: z.object({ duplicates: z.number().int(), outliers: z.number().int(), mislabelled: z.number().int() }),
  /** Items that show the same picture. */
  duplicates: z.array(
    z.object({
      kind: z.enum(['exact', 'near']),
      items: z.array(itemSchema),
      /** Bits of 64 in which matched perceptual hashes differ at most; null where the embeddings alone say so. */
      bits: z.number().int().nullable(),
      distance: z.number(),
      /** The different labels: more than one is a contradiction. */
      labels: z.array(z.string()),
    }),
  ),
  /** Local density: the median, and what is below counts as an outlier; null for fewer than two items. */
  density: z.object({ median: z.number().nullable(), fence: z.number().nullable() }),
  outliers: z.array(z.object({ item: itemSchema, density: z.number(), nearest: z.array(neighbourSchema) })),
  /** Items whose neighbours agree on another label, most confident first. */
  mislabelled: z.array(
    z.object({ item: itemSchema, suggested: z.string(), confidence: z.number(), neighbours: z.array(neighbourSchema) }),
  ),
});
export type ApiAuditFindings = z.infer<typeof auditFindingsSchema>;

export const auditResponseSchema = z.object({
  /** 'running': not done for the catalogue as it is; ask again. */
  state: z.enum(['ready', 'running']),
  /** Items looked at so far by the run under way, of all; null when none is. */
  progress: z.object({ stage: z.string(), done: z.number().int(), total: z.number().int() }).nullable(),
  /** Of the last run that ended, which may be of an earlier change while another one runs; null before the first. */
  findings: auditFindingsSchema.nullable(),
});
export type ApiAudit = z.infer<typeof auditResponseSchema>;

export const auditQuerySchema = z.strictObject({
  limit: limitSchema.default(100).meta({ description: 'Findings of each kind.' }),
  wait: z.coerce.number().min(0).max(60).default(5).meta({ description: 'Seconds to wait for a run to end.' }),
});
