import { z } from 'zod';
import { errorCodes, type ErrorCode } from '../core/errors.js';
import { version } from '../core/version.js';
import type { Scope } from './access/scopes.js';
import { parameter, templateOf, type Route } from './route.js';
import * as api from './schemas/api.js';
import { auditResponseSchema } from './schemas/audit.js';
import { filterSchema } from './schemas/filter.js';
import { searchBatchResponseSchema, searchBatchSchema, searchRequestSchema } from './schemas/search.js';
import { snapshotSchema } from './schemas/snapshots.js';
import { batchLineSchema, batchResultSchema, itemRequestSchema, writeResponseSchema } from './schemas/writes.js';
import { problemType } from './problem.js';

type Json = Readonly<Record<string, unknown>>;

/** Schemas that get a name in the document; others are written out where they are used. */
const named = {
  Item: api.itemSchema,
  Result: api.resultSchema,
  SearchRequest: searchRequestSchema,
  SearchBatchRequest: searchBatchSchema,
  SearchBatchResponse: searchBatchResponseSchema,
  SearchResponse: api.searchResponseSchema,
  Box: api.boxSchema,
  Filter: filterSchema,
  Items: api.itemsResponseSchema,
  Stats: api.statsResponseSchema,
  Model: api.modelResponseSchema,
  Embedding: api.embedResponseSchema,
  ItemRequest: itemRequestSchema,
  Write: writeResponseSchema,
  BatchLine: batchLineSchema,
  BatchResult: batchResultSchema,
  Snapshot: snapshotSchema,
  Audit: auditResponseSchema,
  Problem: api.problemSchema,
} as const satisfies Record<string, z.ZodType>;

function pointerTo(name: string): string {
  return `#/components/schemas/${name}`;
}

/** Both keys are implied in OpenAPI 3.1, whose schemas are JSON Schema 2020-12. */
function withoutDialect(schema: object): Json {
  const entries = Object.entries<unknown>({ ...schema });
  return Object.fromEntries<unknown>(entries.filter(([key]) => key !== '$schema' && key !== '$id'));
}

function jsonSchema(schema: z.ZodType): Json {
  for (const [name, known] of Object.entries(named)) if (known === schema) return { $ref: pointerTo(name) };
  return withoutDialect(z.toJSONSchema(schema, { io: 'input' }));
}

function components(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: pointerTo });
  return Object.fromEntries<unknown>(Object.entries(schemas).map(([name, schema]) => [name, withoutDialect(schema)]));
}

function parameters(route: Route): Json[] {
  const inPath = [...route.path.matchAll(parameter)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    description: 'Percent-encoded; a slash within it is %2F.',
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(route.query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema: schema instanceof z.ZodType ? jsonSchema(schema) : {},
  }));
  return [...inPath, ...inQuery, ...headersOf(route).map(([name, description]) => header(name, description))];
}

function header(name: string, description: string): Json {
  return { name, in: 'header', required: false, description, schema: { type: 'string' } };
}

function headersOf({ method, conditional = false, tagged = false }: Route): [string, string][] {
  if (conditional) {
    return [
      ['If-Match', 'The ETag of the state that may be written over, or * for any that is there.'],
      ['If-None-Match', '* alone: only where there is none.'],
    ];
  }
  return method === 'get' && tagged ? [['If-None-Match', 'ETags of states that the caller has.']] : [];
}

function formSchema(form: z.ZodObject, required: readonly string[]): Json {
  const fields = jsonSchema(form);
  const image = { type: 'string', format: 'binary', description: 'A JPEG, PNG, WebP or AVIF file.' };
  const properties = typeof fields['properties'] === 'object' ? fields['properties'] : {};
  return { ...fields, properties: { image, ...properties }, required };
}

function requestBody({ json, form }: NonNullable<Route['body']>): Json {
  return {
    required: true,
    content: {
      ...(form !== undefined && { 'multipart/form-data': { schema: formSchema(form, ['image']) } }),
      'application/json': { schema: jsonSchema(json) },
      // The picture alone; what would be form fields are query parameters.
      'image/*': { schema: {} },
    },
  };
}

/** What the guard of a scope may answer. */
function guardErrors(scope: Scope): readonly ErrorCode[] {
  if (scope === 'none') return [];
  const keyless = scope === 'read' ? [] : (['writes-disabled', 'origin-not-allowed'] as const);
  return ['key-missing', 'key-invalid', 'scope-missing', 'rate-limited', ...keyless];
}

function linesBody({ json, form }: NonNullable<Route['lines']>): Json {
  return {
    required: true,
    content: {
      'application/x-ndjson': { schema: jsonSchema(json) },
      'multipart/form-data': { schema: formSchema(form, ['item']) },
    },
  };
}

const etag = { description: 'Names this state; for If-Match and If-None-Match.', schema: { type: 'string' } };
const retryAfter = { description: 'Seconds after which to try again.', schema: { type: 'integer' } };

function failures({ errors, queue, unhurried = false, scope }: Route): [string, Json][] {
  const implied: ErrorCode[] = [...guardErrors(scope), 'url-too-long', 'host-not-allowed', 'internal'];
  if (queue !== undefined) implied.push('overloaded');
  if (!unhurried) implied.push('timed-out');
  const codes = new Map<number, ErrorCode[]>();
  for (const code of new Set([...errors, ...implied])) {
    const status = errorCodes[code].http;
    codes.set(status, [...(codes.get(status) ?? []), code]);
  }
  const content = { [problemType]: { schema: { $ref: pointerTo('Problem') } } };
  return [...codes].map(([status, names]) => [
    String(status),
    {
      description: names.join(', '),
      content,
      ...((status === 503 || status === 429) && { headers: { 'Retry-After': retryAfter } }),
    },
  ]);
}

function responses(route: Route): Json {
  const { answer, tagged = false, creates = false, method } = route;
  const content =
    'lines' in answer
      ? { 'application/x-ndjson': { schema: jsonSchema(answer.lines) } }
      : 'json' in answer
        ? { 'application/json': { schema: jsonSchema(answer.json) } }
        : Object.fromEntries(answer.mediaTypes.map((type) => [type, {}]));
  const status = 'mediaTypes' in answer ? (answer.status ?? 200) : 200;
  const headers = tagged ? { headers: { ETag: etag } } : {};
  return {
    [status]: { description: answer.about, content, ...headers },
    ...(creates && { 201: { description: 'As 200, of what is new.', content, ...headers } }),
    ...(tagged && method === 'get' && { 304: { description: 'Still as If-None-Match has it.' } }),
    ...Object.fromEntries(failures(route)),
  };
}

const tags = {
  search: 'What looks like this?',
  items: 'Reading and writing what is searched.',
  index: 'The index, its model, its copies.',
  running: 'For those who run the server.',
};

function tagOf({ path, operation }: Route): keyof typeof tags {
  if (/^\/v1\/(search|embed)/.test(path) || operation === 'similarItems') return 'search';
  if (path.startsWith('/v1/items')) return 'items';
  return path.startsWith('/v1/') ? 'index' : 'running';
}

/** The OpenAPI 3.1 document of the routes, from the schemas they validate with. */
export function describeApi(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = templateOf(route.path);
    paths[path] = {
      ...paths[path],
      [route.method]: {
        operationId: route.operation,
        summary: route.summary,
        tags: [tagOf(route)],
        ...(route.scope !== 'none' && { security: [{ key: [] }, { session: [] }] }),
        'x-kindred-scope': route.scope,
        parameters: parameters(route),
        ...(route.body !== undefined && { requestBody: requestBody(route.body) }),
        ...(route.lines !== undefined && {
          requestBody: linesBody(route.lines),
        }),
        responses: responses(route),
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'kindred',
      version,
      description: 'Which items of a catalogue look like this one? Errors are RFC 9457 problems with a stable `code`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: components(),
      // Asked for where the server was started with keys.
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'A key made by kindred keys create.' },
        session: { type: 'apiKey', in: 'cookie', name: 'kindred_session', description: 'Set by POST /v1/session.' },
      },
    },
  };
}
