import { z } from 'zod';
import { boxSchema, limitSchema, precisionIsUsed, precisionRule, precisionSchema, resultLimitSchema } from './api.js';

/** What requests carry beside the JSON body of a search: query parameters and form fields, which are all text. */
const flag = z.enum(['true', 'false', '1', '0']).transform((word) => word === 'true' || word === '1');
const ef = z.coerce.number().int().min(1).max(10_000);
const boxText = z.string().meta({
  description: 'A part of the picture: x,y,w,h in fractions of its width and height, or the same as a JSON object.',
  example: '0.25,0.25,0.5,0.5',
});
const conditions = z
  .union([z.string(), z.array(z.string())])
  .transform((texts) => (typeof texts === 'string' ? [texts] : texts))
  .meta({
    description: 'field=value; repeat it for more. Values of one field are alternatives, fields must all match.',
  });

const searchFields = z.strictObject({
  limit: resultLimitSchema.default(20),
  precision: precisionSchema.optional(),
  box: boxText.optional(),
  filter: z.string().meta({ description: 'JSON: field → a value, or several of which one must match.' }).optional(),
  exact: flag.optional(),
  ef: ef.optional(),
});

/** Form fields of POST /v1/search beside the file `image`. */
export const searchFormSchema = searchFields.refine(precisionIsUsed, precisionRule);

export const embedFormSchema = searchFields.pick({ box: true });

/** JSON body of POST /v1/embed. */
export const embedRequestSchema = z.strictObject({ image: z.base64(), box: boxSchema.optional() });

export const itemsQuerySchema = z.strictObject({
  limit: limitSchema.default(50),
  after: z.string().meta({ description: '`next` of the page before.' }).optional(),
  filter: conditions.optional(),
});

export const similarQuerySchema = searchFields
  .extend({ filter: conditions.optional() })
  .refine(precisionIsUsed, precisionRule);

export const imageQuerySchema = z.strictObject({
  width: z.coerce.number().int().min(16).max(2048).meta({ description: 'Pixels of a thumbnail.' }).optional(),
});

export const noQuerySchema = z.strictObject({});
