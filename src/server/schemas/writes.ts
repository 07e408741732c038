import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { itemSchema, problemSchema } from './api.js';

/** What writes carry. Limits of one item; those of a request are in deps.ts. */
export const mostMetadataFields = 64;
const mostTextLength = 4096;
const mostLabelLength = 512;
const mostMetadataBytes = 16 * 1024;

const label = z.string().min(1).max(mostLabelLength).nullable().meta({ description: 'Its class, where it is known.' });
const metadata = z
  .record(
    z.string().min(1).max(128),
    z.union([z.string().max(mostTextLength), z.number(), z.boolean()], {
      error: 'must be a text, a number, true or false',
    }),
  )
  .refine((fields) => Object.keys(fields).length <= mostMetadataFields, {
    error: `must have at most ${mostMetadataFields} fields`,
  })
  .refine((fields) => Buffer.byteLength(JSON.stringify(fields)) <= mostMetadataBytes, {
    error: `must be at most ${mostMetadataBytes} bytes as JSON`,
  })
  .meta({ description: 'Flat: field → text, number or truth value.' });

/** Form fields of PUT /v1/items/:id beside the file `image`; all text. */
export const itemFormSchema = z.strictObject({
  label: z.string().max(mostLabelLength).meta({ description: 'Empty: none.' }).optional(),
  metadata: z.string().meta({ description: 'JSON: field → text, number or truth value.' }).optional(),
});
export const metadataFieldSchema = z.strictObject({ metadata });

const content = {
  image: z.base64().meta({ description: 'JPEG, PNG, WebP or AVIF.' }).optional(),
  vector: z.array(z.number()).meta({ description: 'Instead of a picture; scaled to unit length.' }).optional(),
  label: label.optional(),
  metadata: metadata.optional(),
};
const oneContent = { path: ['vector'], error: 'cannot go with image' };
const hasOneContent = ({ image, vector }: { image?: string | undefined; vector?: number[] | undefined }): boolean =>
  image === undefined || vector === undefined;

/** JSON body of PUT /v1/items/:id: with neither image nor vector, the picture of an item that is there is kept. */
export const itemRequestSchema = z
  .strictObject(content)
  .refine(hasOneContent, oneContent)
  .meta({ examples: [{ label: 'shoe', metadata: { price: 3, used: false } }] });

/** A line of POST /v1/items:batch. */
export const batchLineSchema = z
  .strictObject({ id: z.string(), op: z.enum(['put', 'delete']).default('put'), ...content })
  .refine(hasOneContent, oneContent)
  .refine(({ op, ...rest }) => op === 'put' || Object.keys(rest).length === 1, {
    path: ['op'],
    error: 'delete takes an id alone',
  })
  .meta({
    examples: [
      { id: 'shoes/1', vector: [0.6, 0.8], label: 'shoe' },
      { id: 'shoes/2', op: 'delete' },
    ],
  });

/** POST /v1/items:batch as a form: an item, then its picture where it has one, and so on. */
export const batchFormSchema = z.strictObject({
  item: z.string().meta({ description: 'What a line would say, as JSON; the file `image` behind it is its picture.' }),
});

export const writeResponseSchema = z.object({
  outcome: z.enum(['added', 'replaced', 'unchanged']),
  item: itemSchema,
});
export type ApiWrite = z.infer<typeof writeResponseSchema>;

/** One line of the answer, in the order of the request's lines. */
export const batchResultSchema = z.object({
  /** Of the request, or the item's place in its form, from 1; empty lines are not counted. */
  line: z.number().int(),
  /** Null where the line does not even tell it. */
  id: z.string().nullable(),
  outcome: z.enum(['added', 'replaced', 'unchanged', 'deleted', 'failed']),
  problem: problemSchema.optional(),
});
export type BatchResult = z.infer<typeof batchResultSchema>;
