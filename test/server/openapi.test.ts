import { readFileSync } from 'node:fs';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createWorld, type World } from './helpers.js';

const operationSchema = z.object({
  operationId: z.string(),
  summary: z.string().min(5),
  tags: z.array(z.string()).length(1),
  'x-kindred-scope': z.enum(['none', 'read', 'write', 'admin']),
  parameters: z.array(
    z.object({
      name: z.string(),
      in: z.enum(['path', 'query', 'header']),
      required: z.boolean(),
      schema: z.looseObject({}),
    }),
  ),
  requestBody: z.object({ content: z.record(z.string(), z.object({ schema: z.looseObject({}) })) }).optional(),
  responses: z.record(
    z.string().regex(/^[2-5]\d\d$/),
    z.object({
      description: z.string().min(1),
      content: z.record(z.string(), z.unknown()).optional(),
      headers: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
});
const documentSchema = z.object({
  openapi: z.literal('3.1.0'),
  info: z.object({ title: z.string(), version: z.string() }),
  paths: z.record(
    z.string().startsWith('/'),
    z.partialRecord(z.enum(['get', 'post', 'put', 'delete']), operationSchema),
  ),
  components: z.object({ schemas: z.record(z.string(), z.looseObject({})) }),
});

let world: World;
let document: z.infer<typeof documentSchema>;
beforeAll(async () => {
  world = await createWorld();
  document = documentSchema.parse((await request(world.app.handler).get('/openapi.json')).body);
});
afterAll(() => world.close());

/** Every value of a key, however deep. */
function valuesOf(key: string, value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries<unknown>({ ...value }).flatMap(([name, child]) => [
    ...(name === key ? [child] : []),
    ...valuesOf(key, child),
  ]);
}

describe('/openapi.json', () => {
  it('holds every route', () => {
    expect(
      Object.entries(document.paths)
        .map(([path, methods]) => `${Object.keys(methods).join()} ${path}`)
        .sort(),
    ).toEqual([
      'get /healthz',
      'get /metrics',
      'get /openapi.json',
      'get /readyz',
      'get /v1/audit',
      'get /v1/items',
      'get /v1/items/{id}/image',
      'get /v1/items/{id}/similar',
      'get /v1/model',
      'get /v1/stats',
      'get,put,delete /v1/items/{id}',
      'post /v1/embed',
      'post /v1/items:batch',
      'post /v1/search',
      'post /v1/search:batch',
      'post,get /v1/snapshots',
      'post,get,delete /v1/session',
    ]);
  });

  it('holds the routes that docs/http-api.md describes, and no others', () => {
    const text = readFileSync(new URL('../../docs/http-api.md', import.meta.url), 'utf8');
    const table = text.split('\n').filter((line) => line.startsWith('| `'));
    const described = table.flatMap((line) => [...line.matchAll(/`(GET|POST) (\/[^`]*)`/g)].map(([, , path]) => path));
    expect(described.sort()).toEqual(Object.keys(document.paths).sort());
  });

  it('points only to schemas that are there', () => {
    const references = valuesOf('$ref', document);
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      const name = String(reference).replace('#/components/schemas/', '');
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
  });

  it('describes each parameter of each path once, and has no operation twice', () => {
    const ids: string[] = [];
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const operation of Object.values(methods)) {
        ids.push(operation.operationId);
        const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        expect(operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(
          named,
        );
        const successes = Object.keys(operation.responses).filter((status) => status.startsWith('2'));
        expect(successes).toHaveLength(operation.operationId === 'putItem' ? 2 : 1);
      }
    }
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('says of a search what the schemas that validate it say', () => {
    const search = document.paths['/v1/search']?.post;
    expect(Object.keys(search?.requestBody?.content ?? {})).toEqual([
      'multipart/form-data',
      'application/json',
      'image/*',
    ]);
    expect(search?.requestBody?.content['multipart/form-data']?.schema).toMatchObject({
      required: ['image'],
      properties: {
        image: { format: 'binary' },
        limit: { anyOf: [{ const: 'auto' }, { minimum: 1, maximum: 1000 }], default: 20 },
        precision: { minimum: 0, maximum: 1 },
      },
      additionalProperties: false,
    });
    expect(document.components.schemas['SearchRequest']).toMatchObject({
      properties: { vector: { type: 'array' }, box: { $ref: '#/components/schemas/Box' } },
    });
    expect(Object.keys(search?.responses ?? {}).sort()).toEqual([
      '200',
      '400',
      '401',
      '403',
      '404',
      '409',
      '413',
      '414',
      '415',
      '422',
      '429',
      '500',
      '503',
    ]);
    expect(valuesOf('$schema', document)).toEqual([]);
  });

  it('is valid by the OpenAPI 3.1 schema', async () => {
    const { Validator } = await import('@seriousme/openapi-schema-validator');
    const validator = new Validator();
    const whole = z.record(z.string(), z.unknown()).parse((await request(world.app.handler).get('/openapi.json')).body);
    expect(await validator.validate(whole)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    // The test can fail:
    const broken = { ...whole, info: { title: 'no version' } };
    expect(await new Validator().validate(broken)).toMatchObject({ valid: false });
  });

  it('is what the server does: each operation is answered by a route, and there is no other route', async () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      const url = path.replaceAll(/\{\w+\}/g, 'nobody');
      for (const method of ['get', 'post', 'put', 'delete'] as const) {
        const { status, headers } = await request(world.app.handler)[method](url);
        expect([path, method, status === 405]).toEqual([path, method, methods[method] === undefined]);
        if (status !== 405) expect(methods[method]?.responses).toHaveProperty(String(status));
        if (status === 405) expect(headers['allow']?.split(', ').length).toBeGreaterThan(1);
      }
    }
    const router: unknown = Reflect.get(world.app.handler, 'router');
    const stack: unknown = typeof router === 'function' ? Reflect.get(router, 'stack') : [];
    const routed = z
      .array(z.unknown())
      .parse(stack)
      .flatMap((layer) => {
        const { success, data } = z.looseObject({ route: z.looseObject({ path: z.string() }) }).safeParse(layer);
        return success ? [data.route.path.replace(/(?<!\\):(\w+)/g, '{$1}').replaceAll('\\:', ':')] : [];
      });
    expect(routed.filter((path) => path !== '/').sort()).toEqual(Object.keys(document.paths).sort());
  });

  it('says which headers a conditional write takes, what is tagged, and when to come back', () => {
    const item = document.paths['/v1/items/{id}'];
    const headersOf = (operation: z.infer<typeof operationSchema> | undefined) =>
      operation?.parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name);
    expect(headersOf(item?.put)).toEqual(['If-Match', 'If-None-Match']);
    expect(headersOf(item?.delete)).toEqual(['If-Match', 'If-None-Match']);
    expect(headersOf(item?.get)).toEqual(['If-None-Match']);
    for (const status of ['200', '201']) expect(item?.put?.responses[status]?.headers).toHaveProperty('ETag');
    expect(item?.get?.responses).toHaveProperty('304');
    for (const methods of Object.values(document.paths)) {
      for (const { responses } of Object.values(methods)) {
        if (responses['503']) expect(responses['503'].headers).toHaveProperty('Retry-After');
      }
    }
    expect(document.paths['/v1/items:batch']?.post?.requestBody?.content).toHaveProperty('application/x-ndjson');
    expect(document.components.schemas['Problem']).toHaveProperty('examples');
  });
});
