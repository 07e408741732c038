import { itemTag } from '../../indexing/item-tag.js';
import type { AppDeps } from '../deps.js';
import { presentItem } from '../present.js';
import { idOf, type Route } from '../route.js';
import { itemSchema, itemsResponseSchema } from '../schemas/api.js';
import { itemNotFound } from '../../search/examples.js';
import { parseRequest } from '../schemas/issues.js';
import { parseConditions } from '../schemas/query-text.js';
import { itemsQuerySchema, noQuerySchema } from '../schemas/requests.js';

export function itemRoutes({ catalogue }: AppDeps): Route[] {
  return [
    {
      method: 'get',
      scope: 'read',
      path: '/v1/items',
      operation: 'listItems',
      summary: 'The items of the index in order of id, a page at a time',
      query: itemsQuerySchema,
      answer: { json: itemsResponseSchema, about: 'A page; `next` leads to the one after it.' },
      errors: ['invalid-option', 'unknown-filter-field'],
      queue: 'searches',
      handle: async (request, response) => {
        const { limit, after, filter } = parseRequest(itemsQuerySchema, request.query);
        const page = await catalogue.scan({
          limit,
          ...(after !== undefined && { after }),
          ...(filter !== undefined && { filter: parseConditions(filter) }),
        });
        response.json({ items: page.items.map(presentItem), next: page.next ?? null, total: page.total });
      },
    },
    {
      method: 'get',
      scope: 'read',
      path: '/v1/items/:id',
      operation: 'getItem',
      summary: 'One item',
      query: noQuerySchema,
      answer: { json: itemSchema, about: 'The item.' },
      tagged: true,
      errors: ['item-not-found', 'invalid-request', 'invalid-option'],
      queue: 'searches',
      handle: async (request, response) => {
        parseRequest(noQuerySchema, request.query);
        const id = idOf(request);
        const item = await catalogue.get(id);
        if (item === null) throw itemNotFound(id);
        response.set('ETag', `"${itemTag(item)}"`);
        if (request.fresh) response.status(304).end();
        else response.json(presentItem(item));
      },
    },
  ];
}
