import { z } from 'zod';
import { errorCodes, type ErrorCode } from '../core/errors.js';
import { version } from '../core/version.js';
import type { Scope } from './access/scopes.js';
import type { Route } from './route.js';
import * as api from './schemas/api.js';
import { auditResponseSchema } from './schemas/audit.js';
import { filterSchema } from './schemas/filter.js';
import { searchBatchResponseSchema, searchBatchSchema, searchRequestSchema } from './schemas/search.js';
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

/** A parameter in a path; a colon that is none is escaped. */
const parameter = /(?<!\\):(\w+)/g;

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
  return [...inPath, ...inQuery];
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

function responses({ answer, errors, scope }: Route): Json {
  const content =
    'lines' in answer
      ? { 'application/x-ndjson': { schema: jsonSchema(answer.lines) } }
      : 'json' in answer
        ? { 'application/json': { schema: jsonSchema(answer.json) } }
        : Object.fromEntries(answer.mediaTypes.map((type) => [type, {}]));
  const codes = new Map<number, ErrorCode[]>();
  for (const code of [...errors, ...guardErrors(scope), 'url-too-long', 'host-not-allowed', 'internal'] as const) {
    const status = errorCodes[code].http;
    codes.set(status, [...new Set([...(codes.get(status) ?? []), code])]);
  }
  const problem = { [problemType]: { schema: { $ref: pointerTo('Problem') } } };
  const failures = [...codes].map(([status, names]): [string, Json] => [
    String(status),
    { description: names.join(', '), content: problem },
  ]);
  const status = 'mediaTypes' in answer ? (answer.status ?? 200) : 200;
  return { [status]: { description: answer.about, content }, ...Object.fromEntries(failures) };
}

/** The OpenAPI 3.1 document of the routes, from the schemas they validate with. */
export function describeApi(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = route.path.replace(parameter, '{$1}').replaceAll('\\:', ':');
    paths[path] = {
      ...paths[path],
      [route.method]: {
        operationId: route.operation,
        summary: route.summary,
        ...(route.scope !== 'none' && { security: [{ key: [] }, { session: [] }], 'x-kindred-scope': route.scope }),
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
