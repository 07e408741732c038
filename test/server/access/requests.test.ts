import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AccessOptions, createAccess } from '../../../src/server/access/access.js';
import { createKeyText } from '../../../src/server/access/keys.js';
import { createRates } from '../../../src/server/access/rates.js';
import type { ServerApp } from '../../../src/server/app.js';
import type { AppDeps } from '../../../src/server/deps.js';
import { createLog } from '../../../src/server/log.js';
import { fakeCatalogue } from '../fakes.js';
import { createWorld, expectProblem, type World } from '../helpers.js';
import { get, logIn, pairOf } from './calls.js';
import { testKeys, type TestKeys } from './keys-of.js';

let world: World;
let keys: TestKeys;
beforeAll(async () => {
  world = await createWorld();
});
beforeEach(() => (keys = testKeys()));
afterAll(() => world.close());

const appWith = (options: AccessOptions = {}, changes: Partial<AppDeps> = {}): ServerApp =>
  world.withApp({ access: createAccess({ keys: keys.ring, ...options }), ...changes });
describe('limits', () => {
  it('count the requests of each key', async () => {
    const app = appWith({ rateLimit: { requests: 3, seconds: 60 } });
    for (let left = 2; left >= 0; left--) {
      const { status, headers } = await get(app, '/v1/model', keys.text.read);
      expect([status, headers['ratelimit-limit'], headers['ratelimit-remaining']]).toEqual([200, '3', String(left)]);
    }
    const beyond = await get(app, '/v1/model', keys.text.read);
    expectProblem(beyond, 429, 'rate-limited');
    expect(Number(beyond.headers['retry-after'])).toBeGreaterThan(50);
    expect((await get(app, '/v1/model', keys.text.write)).status).toBe(200);
    expect((await get(app, '/healthz')).status).toBe(200);
  });

  it('count those of each address without keys, as a trusted proxy names it', async () => {
    const access = createAccess({ rateLimit: { requests: 1, seconds: 60 } });
    const from = (app: ServerApp, address: string) => get(app, '/v1/model').set('x-forwarded-for', address);
    const behind = world.withApp({ access, trustedProxies: ['loopback'] });
    expect((await from(behind, '203.0.113.1')).status).toBe(200);
    expect((await from(behind, '203.0.113.2')).status).toBe(200);
    expectProblem(await from(behind, '203.0.113.1'), 429, 'rate-limited');
    const bare = world.withApp({ access });
    expect((await from(bare, '203.0.113.3')).status).toBe(200);
    expectProblem(await from(bare, '203.0.113.4'), 429, 'rate-limited');
  });

  it('stop who tries keys, and not who has one', async () => {
    const app = appWith({ rates: createRates(undefined, { requests: 2, seconds: 60 }) });
    for (const code of ['key-invalid', 'key-invalid']) expectProblem(await logIn(app, createKeyText()), 401, code);
    expectProblem(await logIn(app, createKeyText()), 429, 'rate-limited');
    expectProblem(await get(app, '/v1/stats', createKeyText()), 429, 'rate-limited');
    expectProblem(await get(app, '/v1/stats'), 401, 'key-missing');
    expect((await get(app, '/v1/stats', keys.text.read)).status).toBe(200);
    expect((await logIn(app, keys.text.read)).status).toBe(200);
  });
});

describe('pages of other origins', () => {
  const origin = 'https://shop.example';

  it('may not read answers by default', async () => {
    const answer = await get(appWith(), '/v1/stats', keys.text.read).set('origin', origin);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.headers['cross-origin-resource-policy']).toBe('same-origin');
  });

  it('may when they are named, with a key and without the cookie', async () => {
    const app = appWith({ origins: [origin] });
    const preflight = await request(app.handler)
      .options('/v1/search')
      .set({ origin, 'access-control-request-method': 'POST' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'Origin' });
    expect(preflight.headers['access-control-allow-credentials']).toBeUndefined();
    const post = request(app.handler).post('/v1/search').set('authorization', `Bearer ${keys.text.read}`);
    expect((await post.set('origin', origin).send({ id: 'half.png' })).status).toBe(200);
    const cookie = pairOf(await logIn(app, keys.text.admin));
    const riding = request(app.handler).post('/v1/search').set({ cookie, origin }).send({ id: 'half.png' });
    expectProblem(await riding, 401, 'key-missing');
    const other = request(app.handler).post('/v1/search').set({ cookie, origin: 'https://evil.example' });
    const refused = await other.send({ id: 'half.png' });
    expectProblem(refused, 403, 'origin-not-allowed');
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('requests', () => {
  it('have an id, their own where it is well-formed', async () => {
    const app = appWith();
    const ask = (id: string) => request(app.handler).get('/v1/stats').set('x-request-id', id);
    const kept = await ask('proxy.1_A-2');
    expect([kept.headers['x-request-id'], expectProblem(kept, 401, 'key-missing').requestId]).toEqual(
      Array(2).fill('proxy.1_A-2'),
    );
    for (const odd of ['a b', 'x'.repeat(65), '"', '{}']) {
      expect((await ask(odd)).headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('have addresses of a bounded length', async () => {
    expectProblem(await get(appWith(), `/v1/items?after=${'x'.repeat(9000)}`, keys.text.read), 414, 'url-too-long');
  });

  it('bring no key into the log', async () => {
    const lines: string[] = [];
    const log = createLog('info', { write: (line) => void lines.push(line) });
    const spy = vi.spyOn(process.stderr, 'write');
    const catalogue = fakeCatalogue(world.items, { get: () => Promise.reject(new Error(keys.text.read)) });
    const app = appWith({}, { log, catalogue });
    await get(app, `/v1/items/${keys.text.read}?x=${keys.text.read}`, keys.text.read).expect(422);
    await get(app, '/v1/items/a', keys.text.read).expect(500);
    const cookie = pairOf(await logIn(app, keys.text.read));
    await request(app.handler).get('/v1/stats').set('cookie', cookie);
    log.error({ authorization: 'secret-1', headers: { cookie: 'secret-2' } }, 'careless');
    const text = lines.join('');
    expect(text).toContain('/v1/items/kd_[removed]');
    expect(text).toMatch(/"requestId":"[0-9a-f-]{36}"/);
    for (const secret of [keys.text.read, cookie.split('=')[1] ?? '?', 'secret-1', 'secret-2']) {
      expect(text).not.toContain(secret);
    }
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
  });
});
