import { readFileSync } from 'node:fs';
import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { createAccess } from '../../../src/server/access/access.js';
import { createKeyText } from '../../../src/server/access/keys.js';
import { createRates } from '../../../src/server/access/rates.js';
import type { ServerApp } from '../../../src/server/app.js';
import { createWorld, type World } from '../helpers.js';
import { testKeys } from './keys-of.js';

const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.object({ 'x-kindred-scope': z.string().optional() }))),
});
const methods = ['get', 'post', 'put', 'delete'] as const;

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const refusals = ['key-missing', 'key-invalid', 'scope-missing', 'writes-disabled'];

/** What a caller gets: a status when the guard refuses, ✓ when the route itself answers, whatever it answers. */
async function attempt(app: ServerApp, method: (typeof methods)[number], path: string, key?: string): Promise<string> {
  const url = path.replaceAll(/\{\w+\}/g, 'nothing');
  const call = request(app.handler)[method](url);
  const response = await (key === undefined ? call : call.set('authorization', `Bearer ${key}`));
  const { code } = z.object({ code: z.string().optional() }).catch({}).parse(response.body);
  return code !== undefined && refusals.includes(code) ? String(response.status) : '✓';
}

it('every route × every scope × no key is the table of docs/security.md', async () => {
  const { ring, text } = testKeys();
  const rates = createRates(undefined, { requests: 1000, seconds: 60 });
  // The routes that write find a writer, so that what refuses is the guard.
  const writes = { put: () => Promise.reject(new Error('no')), delete: () => Promise.resolve(false) };
  const keyed = world.withApp({ access: createAccess({ keys: ring, rates }), writes });
  const keyless = world.withApp({ access: createAccess(), writes });
  const open = world.withApp({ access: createAccess({ keylessWrites: true }), writes });

  const document = documentSchema.parse((await request(keyed.handler).get('/openapi.json')).body);
  const rows: string[][] = [];
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const method of methods) {
      const operation = operations[method];
      if (operation === undefined) continue;
      const route = `\`${method.toUpperCase()} ${path}\``;
      const scope = operation['x-kindred-scope'] ?? 'none';
      const row = [route, scope, await attempt(keyed, method, path)];
      row.push(await attempt(keyed, method, path, createKeyText()));
      for (const key of [text.read, text.write, text.admin]) row.push(await attempt(keyed, method, path, key));
      row.push(await attempt(keyless, method, path), await attempt(open, method, path));
      rows.push(row);
    }
  }
  const documented = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => /^\| `(GET|POST|PUT|DELETE) /.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  expect(documented).toEqual(rows);
  expect(rows.length).toBeGreaterThan(18);
});
