import { z } from 'zod';
import { boxSchema, limitSchema } from './api.js';
import { checkTogether, efSchema, negativeWeightSchema, searchOptions } from './search.js';

/** What requests carry beside the JSON body of a search: query parameters and form fields, which are all text. */
const flag = z.enum(['true', 'false', '1', '0']).transform((word) => word === 'true' || word === '1');
const boxText = z.string().meta({
  description: 'A part of the picture: x,y,w,h in fractions of its width and height, or the same as a JSON object.',
  example: '0.25,0.25,0.5,0.5',
});
const conditions = z
  .union([z.string(), z.array(z.string())])
  .transform((texts) => (typeof texts === 'string' ? [texts] : texts))
  .meta({
    description:
      'field=value, field>=bound (also >, <, <=), with ! before it for the contrary, or JSON; repeat it for more. Values of one field are alternatives, the rest must all hold.',
  });

const searchFields = z.strictObject({
  ...searchOptions,
  box: boxText.optional(),
  filter: z.string().meta({ description: 'JSON, as `filter` of the JSON body.' }).optional(),
  exact: flag.optional(),
  ef: efSchema.optional(),
});

const examplesText = z
  .string()
  .meta({ description: 'JSON, as in the JSON body: further examples beside the picture.' });

/** Form fields of POST /v1/search beside the file `image`. */
export const searchFormSchema = searchFields
  .extend({
    positives: examplesText.optional(),
    negatives: examplesText.optional(),
    negativeWeight: negativeWeightSchema.optional(),
  })
  .superRefine(checkTogether);

export const embedFormSchema = searchFields.pick({ box: true });

/** JSON body of POST /v1/embed. */
export const embedRequestSchema = z.strictObject({ image: z.base64(), box: boxSchema.optional() });

export const itemsQuerySchema = z.strictObject({
  limit: limitSchema.default(50),
  after: z.string().meta({ description: '`next` of the page before.' }).optional(),
  filter: conditions.optional(),
});

export const similarQuerySchema = searchFields.extend({ filter: conditions.optional() }).superRefine(checkTogether);

export const imageQuerySchema = z.strictObject({
  width: z.coerce.number().int().min(16).max(2048).meta({ description: 'Pixels of a thumbnail.' }).optional(),
});

export const noQuerySchema = z.strictObject({});
