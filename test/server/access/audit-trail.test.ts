import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createAccess } from '../../../src/server/access/access.js';
import { type AuditTrail, openAuditTrail } from '../../../src/server/access/audit-trail.js';
import { createKeyText } from '../../../src/server/access/keys.js';
import type { ServerApp } from '../../../src/server/app.js';
import { noLog } from '../../../src/server/log.js';
import { createWorld, type World } from '../helpers.js';
import { logIn } from './calls.js';
import { testKeys, type TestKeys } from './keys-of.js';

let world: World;
let keys: TestKeys;
let folder: string;
let path: string;
let trail: AuditTrail;
let app: ServerApp;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  keys = testKeys();
  folder = await mkdtemp(join(tmpdir(), 'kindred-trail-'));
  path = join(folder, 'audit.jsonl');
  trail = openAuditTrail(path, noLog);
  const writes = {
    put: () => Promise.reject(new Error('EIO')),
    delete: (id: string) => Promise.resolve(id === 'there'),
  };
  app = world.withApp({ access: createAccess({ keys: keys.ring, trail }), writes });
});
afterEach(async () => {
  await trail.close();
  await rm(folder, { recursive: true });
});

const lines = async (file = path): Promise<unknown[]> =>
  (await readFile(file, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line): unknown => JSON.parse(line));
const remove = (id: string, key: string) =>
  request(app.handler)
    .delete(`/v1/items/${id}`)
    .set({ authorization: `Bearer ${key}`, 'x-request-id': `r-${id}` });

it('names who wrote what, when and how it ended, and no key', async () => {
  await remove('there', keys.text.write).expect(204);
  await remove('gone', keys.text.admin).expect(404);
  await remove('there', keys.text.read).expect(403);
  await logIn(app, keys.text.read).expect(200);
  const put = request(app.handler).put('/v1/items/a').set('authorization', `Bearer ${keys.text.write}`);
  await put.send({ vector: [1, 2, 3] }).expect(500);
  const key = { id: '00000001', name: 'the-write-key' };
  const route = 'DELETE /v1/items/:id';
  await expect.poll(lines).toMatchObject([
    { requestId: 'r-there', key, route, item: 'there', outcome: 'ok', status: 204 },
    { key: { name: 'the-admin-key' }, item: 'gone', outcome: 'refused', status: 404, code: 'item-not-found' },
    { key: { name: 'the-read-key' }, item: 'there', outcome: 'refused', status: 403, code: 'scope-missing' },
    { key: { name: 'the-read-key' }, route: 'POST /v1/session', outcome: 'ok' },
    { key, route: 'PUT /v1/items/:id', item: 'a', outcome: 'refused', status: 500, code: 'internal' },
  ]);
  const text = await readFile(path, 'utf8');
  expect(text).toMatch(/^\{"time":"\d{4}-\d\d-\d\dT/);
  for (const secret of Object.values(keys.text)) expect(text).not.toContain(secret);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

it('has a line for each item of a batch', async () => {
  const batch = request(app.handler).post('/v1/items:batch').set('authorization', `Bearer ${keys.text.write}`);
  await batch
    .set('content-type', 'application/x-ndjson')
    .send('{"id":"there","op":"delete"}\n{"id":"gone","op":"delete"}\n')
    .expect(200);
  await expect.poll(lines).toMatchObject([
    { item: 'there', outcome: 'deleted' },
    { item: 'gone', outcome: 'failed', code: 'item-not-found' },
    { route: 'POST /v1/items:batch', outcome: 'ok', status: 200 },
  ]);
});

it('is not filled by strangers or by reading', async () => {
  await remove('there', createKeyText()).expect(401);
  await request(app.handler).delete('/v1/items/there').expect(401);
  await request(app.handler).get('/v1/stats').set('authorization', `Bearer ${keys.text.read}`).expect(200);
  await remove('there', keys.text.write).expect(204);
  await expect.poll(async () => (await lines()).length).toBe(1);
});

it('goes on in a new file after it was moved away', async () => {
  await remove('there', keys.text.write).expect(204);
  await expect.poll(async () => (await lines()).length).toBe(1);
  await rename(path, `${path}.1`);
  trail.reopen();
  await remove('gone', keys.text.write).expect(404);
  await expect.poll(async () => (await lines().catch(() => [])).length).toBe(1);
  expect(await lines(`${path}.1`)).toHaveLength(1);
});

it('says where it cannot be written', () => {
  expect(() => openAuditTrail(folder, noLog)).toThrow(expect.objectContaining({ code: 'folder-not-writable' }));
});
