import { Buffer } from 'node:buffer';
import type { Response } from 'express';
import type { Box } from '../../core/images.js';
import type { SearchQuery } from '../../search/search.js';
import { presentAnswer, serverTiming } from '../present.js';
import { idOf, type Route } from '../route.js';
import { embedResponseSchema, searchResponseSchema } from '../schemas/api.js';
import { parseRequest } from '../schemas/issues.js';
import { parseBoxText, parseConditions } from '../schemas/query-text.js';
import { embedFormSchema, embedRequestSchema, searchFormSchema, similarQuerySchema } from '../schemas/requests.js';
import { searchRequestSchema } from '../schemas/search.js';
import { checkedPicture, readSearchBody } from '../search-input.js';
import { bodyErrors, imageErrors, searchErrors, type SearchRouteParts } from './search-parts.js';

export function searchRoutes({ search, inspect, readBody, imageQueries }: SearchRouteParts): Route[] {
  const answer = async ({ example, options }: SearchQuery, response: Response): Promise<void> => {
    const started = performance.now();
    const found = await search.search(example, options);
    const tookMs = performance.now() - started;
    response.set('Server-Timing', serverTiming(found.timings, tookMs)).json(presentAnswer(found, tookMs));
  };

  return [
    {
      method: 'post',
      scope: 'read',
      path: '/v1/search',
      operation: 'search',
      summary: 'The items nearest to a picture, a part of it, an item, a vector, or several of them',
      body: { json: searchRequestSchema, form: searchFormSchema },
      answer: { json: searchResponseSchema, about: 'Nearest first; a queried item itself is left out.' },
      errors: [...bodyErrors, ...imageErrors, ...searchErrors],
      handle: (request, response) =>
        // The place is taken before the body is read, so that memory for uploads is bounded, too.
        imageQueries.run(async () =>
          answer(await readSearchBody(await readBody(request, response), inspect), response),
        ),
    },
    {
      method: 'get',
      scope: 'read',
      path: '/v1/items/:id/similar',
      operation: 'similarItems',
      summary: 'The items nearest to an item, or to a part of its picture',
      query: similarQuerySchema,
      answer: { json: searchResponseSchema, about: 'Nearest first; the item itself is left out.' },
      errors: ['invalid-request', 'invalid-option', ...imageErrors, ...searchErrors],
      handle: async (request, response) => {
        const { box, filter, ...options } = parseRequest(similarQuerySchema, request.query);
        const conditions = filter === undefined ? undefined : parseConditions(filter);
        const wanted = { example: { id: idOf(request) }, options: { ...options, filter: conditions } };
        if (box === undefined) return answer(wanted, response);
        const part = { ...wanted, example: { ...wanted.example, box: parseBoxText(box) } };
        return imageQueries.run(() => answer(part, response));
      },
    },
    {
      method: 'post',
      scope: 'read',
      path: '/v1/embed',
      operation: 'embed',
      summary: 'The embedding of a picture or a part of it',
      body: { json: embedRequestSchema, form: embedFormSchema },
      answer: { json: embedResponseSchema, about: 'A vector of unit length.' },
      errors: [...bodyErrors, ...imageErrors],
      handle: (request, response) =>
        imageQueries.run(async () => {
          const body = await readBody(request, response);
          const wanted = body.kind === 'form' ? readEmbedForm(body.fields, body.image) : readEmbedJson(body.value);
          const { bytes, box } = wanted;
          const image = await checkedPicture(bytes, inspect);
          const { embedding } = await search.embed({ image, ...(box !== undefined && { box }) });
          response.json({
            embedding: Array.from(embedding),
            dimension: embedding.length,
            fingerprint: search.fingerprint,
          });
        }),
    },
  ];
}

interface Picture {
  readonly bytes: Uint8Array;
  readonly box: Box | undefined;
}

function readEmbedForm(fields: unknown, bytes: Uint8Array): Picture {
  const { box } = parseRequest(embedFormSchema, fields);
  return { bytes, box: box === undefined ? undefined : parseBoxText(box) };
}

function readEmbedJson(value: unknown): Picture {
  const { image, box } = parseRequest(embedRequestSchema, value);
  return { bytes: Buffer.from(image, 'base64'), box };
}
