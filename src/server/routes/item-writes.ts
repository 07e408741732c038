import { Buffer } from 'node:buffer';
import type { Request, Response } from 'express';
import { KindredError, type ErrorCode } from '../../core/errors.js';
import type { WriteCondition } from '../../indexing/catalogue.js';
import { idProblem, maxIdBytes } from '../../indexing/item-rules.js';
import { itemTag } from '../../indexing/item-tag.js';
import type { ItemToWrite, ItemWriter } from '../../indexing/item-writer.js';
import { itemNotFound } from '../../search/examples.js';
import type { AppDeps } from '../deps.js';
import { parseJson, type ReadBody } from '../middleware/body.js';
import { presentItem } from '../present.js';
import { idOf, type Route } from '../route.js';
import { parseRequest } from '../schemas/issues.js';
import { noQuerySchema } from '../schemas/requests.js';
import { itemFormSchema, itemRequestSchema, metadataFieldSchema, writeResponseSchema } from '../schemas/writes.js';

export interface ItemWriteDeps extends Pick<AppDeps, 'writes' | 'inspect'> {
  readonly readBody: ReadBody;
}

export const writeErrors: readonly ErrorCode[] = [
  'writes-disabled',
  'precondition-failed',
  'invalid-request',
  'invalid-option',
  'disk-full',
];
const contentErrors: readonly ErrorCode[] = [
  'invalid-json',
  'invalid-vector',
  'item-not-found',
  'image-unsupported',
  'image-unreadable',
  'image-too-large',
  'body-too-large',
  'content-type-unsupported',
];

/** @throws KindredError writes-disabled */
export function requireWrites(writes: ItemWriter | undefined): ItemWriter {
  if (writes) return writes;
  throw new KindredError('writes-disabled', 'this server does not take writes', {
    hint: 'Start it with kindred serve --keys FILE, or on this machine alone with --allow-keyless-writes.',
  });
}

/** @throws KindredError invalid-request */
export function checkId(id: string): string {
  const problem = idProblem(id);
  if (problem === undefined) return id;
  throw new KindredError('invalid-request', `the id ${problem}`, {
    field: 'id',
    hint: `An id is 1 to ${maxIdBytes} bytes of UTF-8 without control characters.`,
  });
}

const tagOf = (value: string, header: string): string => {
  const tag = /^"([0-9a-f]{32})"$/.exec(value.trim())?.[1];
  if (tag !== undefined) return tag;
  throw new KindredError('invalid-request', `${header} must be the ETag of the item, in quotes, or *`, {
    field: header,
  });
};

/** RFC 9110, 13.1: If-Match with one tag or `*`, If-None-Match with `*`. */
function conditionOf({ headers }: Request): WriteCondition | undefined {
  const [match, none] = [headers['if-match'], headers['if-none-match']];
  if (none !== undefined && (none.trim() !== '*' || match !== undefined)) {
    throw new KindredError('invalid-request', 'If-None-Match takes * alone here: write only a new item', {
      field: 'If-None-Match',
    });
  }
  if (none !== undefined) return { ifAbsent: true };
  if (match === undefined) return undefined;
  return { ifMatch: match.trim() === '*' ? '*' : tagOf(match, 'If-Match') };
}

export function contentOf(image: string | undefined, vector: readonly number[] | undefined): ItemToWrite['content'] {
  if (image !== undefined) return { image: Buffer.from(image, 'base64') };
  return vector === undefined ? 'kept' : { vector };
}

export function itemWriteRoutes({ writes, inspect, readBody }: ItemWriteDeps): Route[] {
  const readItem = async (request: Request, response: Response): Promise<ItemToWrite> => {
    const id = checkId(idOf(request));
    const body = await readBody(request, response);
    if (body.kind === 'json') {
      const { image, vector, label = null, metadata = {} } = parseRequest(itemRequestSchema, body.value);
      return { id, label, metadata, content: contentOf(image, vector) };
    }
    const fields = parseRequest(itemFormSchema, body.fields);
    const parsed: unknown = fields.metadata === undefined ? {} : parseJson(Buffer.from(fields.metadata));
    const { metadata } = parseRequest(metadataFieldSchema, { metadata: parsed });
    const label = fields.label === undefined || fields.label === '' ? null : fields.label;
    return { id, label, metadata, content: { image: body.image } };
  };

  return [
    {
      method: 'put',
      scope: 'write',
      path: '/v1/items/:id',
      operation: 'putItem',
      summary: 'Adds or replaces an item',
      query: itemFormSchema,
      body: { json: itemRequestSchema, form: itemFormSchema },
      answer: { json: writeResponseSchema, about: 'Durable, and found by the next search. 201 where it is new.' },
      tagged: true,
      conditional: true,
      creates: true,
      errors: [...writeErrors, ...contentErrors],
      queue: 'writes',
      handle: async (request, response) => {
        const writer = requireWrites(writes);
        // Of a picture alone as the body, the query says what a form's fields would.
        if (!request.is('image/*')) parseRequest(noQuerySchema, request.query);
        const condition = conditionOf(request);
        const wanted = await readItem(request, response);
        const { content } = wanted;
        if (content !== 'kept' && 'image' in content) await inspect?.(content.image);
        const { outcome, item } = await writer.put(wanted, condition);
        response.set('ETag', `"${itemTag(item)}"`).status(outcome === 'added' ? 201 : 200);
        response.json({ outcome, item: presentItem(item) });
      },
    },
    {
      method: 'delete',
      scope: 'write',
      path: '/v1/items/:id',
      operation: 'deleteItem',
      summary: 'Deletes an item',
      query: noQuerySchema,
      answer: { mediaTypes: [], status: 204, about: 'Deleted, durably: no later search finds it.' },
      conditional: true,
      errors: [...writeErrors, 'item-not-found'],
      queue: 'writes',
      handle: async (request, response) => {
        const writer = requireWrites(writes);
        parseRequest(noQuerySchema, request.query);
        const id = checkId(idOf(request));
        if (!(await writer.delete(id, conditionOf(request)))) throw itemNotFound(id);
        response.status(204).end();
      },
    },
  ];
}
