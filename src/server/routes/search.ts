import { Buffer } from 'node:buffer';
import type { Request, Response } from 'express';
import { KindredError, type ErrorCode } from '../../core/errors.js';
import type { Box } from '../../core/images.js';
import type { Example, SearchRequestOptions } from '../../search/search.js';
import type { AppDeps } from '../deps.js';
import type { Limiter } from '../limiter.js';
import type { ReadBody } from '../middleware/body.js';
import { presentAnswer } from '../present.js';
import { idOf, type Route } from '../route.js';
import { embedResponseSchema, searchRequestSchema, searchResponseSchema } from '../schemas/api.js';
import { toFilter } from '../schemas/filter.js';
import { parseRequest } from '../schemas/issues.js';
import { parseBoxText, parseConditions, parseFilterText } from '../schemas/query-text.js';
import { embedFormSchema, embedRequestSchema, searchFormSchema, similarQuerySchema } from '../schemas/requests.js';

export interface SearchRouteParts extends AppDeps {
  readonly readBody: ReadBody;
  /** Everything that may embed a picture goes through it. */
  readonly imageQueries: Limiter;
}

interface Wanted {
  readonly example: Example;
  readonly options: SearchRequestOptions;
}

const bodyErrors = [
  'invalid-json',
  'invalid-request',
  'invalid-option',
  'body-too-large',
  'content-type-unsupported',
  'origin-not-allowed',
] as const satisfies readonly ErrorCode[];
const imageErrors = [
  'invalid-box',
  'image-unsupported',
  'image-unreadable',
  'image-too-large',
  'overloaded',
] as const satisfies readonly ErrorCode[];
const searchErrors = [
  'item-not-found',
  'invalid-vector',
  'unknown-filter-field',
  'image-missing',
  'calibration-missing',
] as const;

export function searchRoutes({ search, inspect, readBody, imageQueries }: SearchRouteParts): Route[] {
  const picture = async (
    bytes: Uint8Array,
    box: Box | undefined,
  ): Promise<{ image: { bytes: Uint8Array }; box?: Box }> => {
    if (bytes.byteLength === 0)
      throw new KindredError('image-unreadable', 'the picture has no bytes', { field: 'image' });
    await inspect?.(bytes);
    return { image: { bytes }, ...(box !== undefined && { box }) };
  };

  const readSearch = async (request: Request, response: Response): Promise<Wanted> => {
    const body = await readBody(request, response);
    if (body.kind === 'form') {
      const { box, filter, ...options } = parseRequest(searchFormSchema, body.fields);
      const conditions = filter === undefined ? undefined : parseFilterText(filter);
      const part = box === undefined ? undefined : parseBoxText(box);
      return { example: await picture(body.image, part), options: { ...options, filter: conditions } };
    }
    const { id, vector, image, box, filter, ...rest } = parseRequest(searchRequestSchema, body.value);
    const options = { ...rest, filter: filter === undefined ? undefined : toFilter(filter) };
    if (id !== undefined) return { example: { id, box }, options };
    if (vector === undefined) return { example: await picture(Buffer.from(image ?? '', 'base64'), box), options };
    if (box === undefined) return { example: { vector }, options };
    throw new KindredError('invalid-box', 'box goes with id or image, not with vector', { field: 'box' });
  };

  const answer = async ({ example, options }: Wanted, response: Response): Promise<void> => {
    const started = performance.now();
    const found = await search.search(example, options);
    response.json(presentAnswer(found, performance.now() - started));
  };

  return [
    {
      method: 'post',
      scope: 'read',
      path: '/v1/search',
      operation: 'search',
      summary: 'The items nearest to a picture, a part of it, an item or a vector',
      body: { json: searchRequestSchema, form: searchFormSchema },
      answer: { json: searchResponseSchema, about: 'Nearest first; a queried item itself is left out.' },
      errors: [...bodyErrors, ...imageErrors, ...searchErrors],
      handle: (request, response) =>
        // The place is taken before the body is read, so that memory for uploads is bounded, too.
        imageQueries.run(async () => answer(await readSearch(request, response), response)),
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
          const { embedding } = await search.embed(await picture(wanted.bytes, wanted.box));
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
