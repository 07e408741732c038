import { Buffer } from 'node:buffer';
import type { Response } from 'express';
import type { Box } from '../../core/images.js';
import { countPictures } from '../../search/examples.js';
import type { SearchQuery } from '../../search/search.js';
import { presentAnswer, serverTiming } from '../present.js';
import type { Asked } from '../admission.js';
import type { QueueName } from '../queues.js';
import { idOf, type Route } from '../route.js';
import { embedResponseSchema, searchResponseSchema } from '../schemas/api.js';
import { parseRequest } from '../schemas/issues.js';
import { parseBoxText, parseConditions } from '../schemas/query-text.js';
import { embedFormSchema, embedRequestSchema, searchFormSchema, similarQuerySchema } from '../schemas/requests.js';
import { searchRequestSchema } from '../schemas/search.js';
import { sendJson } from '../send-json.js';
import { checkedPicture, readSearchBody } from '../search-input.js';
import { bodyErrors } from './body-errors.js';
import { imageErrors, searchErrors, type SearchRouteParts } from './search-parts.js';

export function searchRoutes({ search, inspect, readBody, queues }: SearchRouteParts): Route[] {
  const answer = async (query: SearchQuery, response: Response, signal: AbortSignal): Promise<void> => {
    const started = performance.now();
    const ask = () => search.search(query.example, query.options);
    const found = await (countPictures(query.example) > 0 ? queues.embeddings.run(ask, signal) : ask());
    const tookMs = performance.now() - started;
    response.setHeader('Server-Timing', serverTiming(found.timings, tookMs));
    sendJson(response, presentAnswer(found, tookMs));
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
      queue: queueOfSearch,
      handle: async (request, response, signal) =>
        answer(await readSearchBody(await readBody(request, response), inspect), response, signal),
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
      queue: ({ url }) => (new URLSearchParams(url?.split('?')[1]).has('box') ? 'images' : 'searches'),
      handle: async (request, response, signal) => {
        const { box, filter, ...options } = parseRequest(similarQuerySchema, request.query);
        const conditions = filter === undefined ? undefined : parseConditions(filter);
        const wanted = { example: { id: idOf(request) }, options: { ...options, filter: conditions } };
        if (box === undefined) return answer(wanted, response, signal);
        const part = { ...wanted, example: { ...wanted.example, box: parseBoxText(box) } };
        return answer(part, response, signal);
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
      queue: 'images',
      handle: async (request, response, signal) => {
        const body = await readBody(request, response);
        const wanted = body.kind === 'form' ? readEmbedForm(body.fields, body.image) : readEmbedJson(body.value);
        const { bytes, box } = wanted;
        const part = { image: await checkedPicture(bytes, inspect), ...(box !== undefined && { box }) };
        const { embedding } = await queues.embeddings.run(() => search.embed(part), signal);
        response.json({
          embedding: Array.from(embedding),
          dimension: embedding.length,
          fingerprint: search.fingerprint,
        });
      },
    },
  ];
}

/** A JSON body of more bytes holds a picture: the longest vectors take less. */
const mostVectorBytes = 64 * 1024;

/** Told from the headers, since the place is taken before the body is read: uploads in memory are bounded, too. */
function queueOfSearch({ headers }: Asked): QueueName {
  const bytes = Number(headers['content-length'] ?? Infinity);
  const isJson = /^application\/json\b/i.test(headers['content-type'] ?? '');
  return isJson && bytes <= mostVectorBytes ? 'searches' : 'images';
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
