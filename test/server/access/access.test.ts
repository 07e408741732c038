import type NodeCrypto from 'node:crypto';
import { timingSafeEqual } from 'node:crypto';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AccessOptions, createAccess } from '../../../src/server/access/access.js';
import { createKeyText } from '../../../src/server/access/keys.js';
import { createSessions } from '../../../src/server/access/sessions.js';
import type { ServerApp } from '../../../src/server/app.js';
import type { AppDeps } from '../../../src/server/deps.js';
import { sessionResponseSchema } from '../../../src/server/schemas/session.js';
import { createWorld, expectProblem, type World } from '../helpers.js';
import { get, logIn, pairOf, cookieOf } from './calls.js';
import { testKeys, type TestKeys } from './keys-of.js';

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof NodeCrypto>();
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) };
});

let world: World;
let keys: TestKeys;
beforeAll(async () => {
  world = await createWorld();
});
beforeEach(() => (keys = testKeys()));
afterAll(() => world.close());

const appWith = (options: AccessOptions = {}, changes: Partial<AppDeps> = {}): ServerApp =>
  world.withApp({ access: createAccess({ keys: keys.ring, ...options }), ...changes });
describe('keys', () => {
  it('are asked for, checked and told apart', async () => {
    const app = appWith();
    const without = await get(app, '/v1/stats');
    expectProblem(without, 401, 'key-missing');
    expect(without.headers['www-authenticate']).toBe('Bearer realm="kindred"');
    const wrong = await get(app, '/v1/stats', createKeyText());
    expectProblem(wrong, 401, 'key-invalid');
    expect(wrong.headers['www-authenticate']).toContain('error="invalid_token"');
    const basic = request(app.handler).get('/v1/stats').set('authorization', `Basic ${keys.text.admin}`);
    expectProblem(await basic, 401, 'key-invalid', 'Authorization');
    for (const odd of ['', 'x', keys.text.read.slice(0, -1), `${keys.text.read}x`, keys.text.read.toUpperCase()]) {
      expect((await get(app, '/v1/stats', odd)).status).toBe(401);
    }
    expect((await get(app, '/v1/stats', keys.text.read)).status).toBe(200);
    const write = request(app.handler).delete('/v1/items/x').set('authorization', `Bearer ${keys.text.read}`);
    const refused = await write;
    expect(expectProblem(refused, 403, 'scope-missing').detail).toContain('the-read-key is one to read');
    expect(refused.headers['www-authenticate']).toContain('scope="write"');
  });

  it('end at once when they are revoked, and take nothing in an address', async () => {
    const app = appWith();
    expect((await get(app, '/v1/stats', keys.text.write)).status).toBe(200);
    keys.revoke('write');
    expectProblem(await get(app, '/v1/stats', keys.text.write), 401, 'key-invalid');
    expectProblem(await get(app, `/v1/items?key=${keys.text.read}`), 401, 'key-missing');
  });

  it('are asked for before a body is read', async () => {
    const call = request(appWith().handler).post('/v1/search').set('content-type', 'application/json');
    expectProblem(await call.send('['), 401, 'key-missing');
  });

  it('are compared with every key there is, in constant time', () => {
    const compare = vi.mocked(timingSafeEqual);
    compare.mockClear();
    for (const text of [keys.text.read, keys.text.admin, createKeyText()]) keys.ring.find(text);
    expect(compare).toHaveBeenCalledTimes(9);
  });
});

describe('a session', () => {
  it('stands for its key until it is logged out', async () => {
    const app = appWith();
    const answer = await logIn(app, keys.text.read).expect(200);
    expect(sessionResponseSchema.parse(answer.body)).toMatchObject({ name: 'the-read-key', scope: 'read' });
    expect(cookieOf(answer)).toMatch(/^kindred_session=[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/);
    expect(answer.text + cookieOf(answer)).not.toContain(keys.text.read);
    const cookie = pairOf(answer);
    const as = (path: string) => request(app.handler).get(path).set('cookie', `other=1; ${cookie}; more=2`);
    expect(sessionResponseSchema.parse((await as('/v1/session').expect(200)).body).expiresAt).not.toBeNull();
    expect((await as('/v1/items/half.png/image?width=32')).status).toBe(200);
    expectProblem(await request(app.handler).delete('/v1/items/x').set('cookie', cookie), 403, 'scope-missing');
    const out = await request(app.handler).delete('/v1/session').set('cookie', cookie).expect(204);
    expect(cookieOf(out)).toMatch(/^kindred_session=; .*Expires=Thu, 01 Jan 1970/);
    expect(expectProblem(await as('/v1/stats'), 401, 'key-missing').detail).toContain('has ended');
  });

  it('dies with its key, and of age', async () => {
    let now = 0;
    const times = { idleMs: 100, absoluteMs: 250 };
    const app = appWith({
      sessions: createSessions(
        (id) => keys.ring.byId(id),
        times,
        () => now,
      ),
    });
    const cookie = pairOf(await logIn(app, keys.text.write));
    const status = async () => (await request(app.handler).get('/v1/stats').set('cookie', cookie)).status;
    for (now of [90, 180, 240]) expect(await status()).toBe(200);
    now = 251;
    expect(await status()).toBe(401);
    const second = pairOf(await logIn(app, keys.text.write));
    now += 101;
    expect((await request(app.handler).get('/v1/stats').set('cookie', second)).status).toBe(401);
    const third = pairOf(await logIn(app, keys.text.write));
    keys.revoke('write');
    expect((await request(app.handler).get('/v1/stats').set('cookie', third)).status).toBe(401);
  });

  it('is replaced by the next log-in of the same browser', async () => {
    const app = appWith();
    const first = pairOf(await logIn(app, keys.text.read));
    await logIn(app, keys.text.admin).set('cookie', first).expect(200);
    expect((await request(app.handler).get('/v1/stats').set('cookie', first)).status).toBe(401);
  });

  it('has a cookie for HTTPS alone where the page came by it, which only a trusted proxy may say', async () => {
    const forwarded = (app: ServerApp) => logIn(app, keys.text.read).set('x-forwarded-proto', 'https');
    expect(cookieOf(await forwarded(appWith()))).not.toContain('Secure');
    expect(cookieOf(await forwarded(appWith({}, { trustedProxies: ['loopback'] })))).toContain('; Secure');
  });

  it('is not opened with a wrong key, without one, by a foreign page, or where none is asked for', async () => {
    const app = appWith({ origins: ['https://shop.example'] });
    expectProblem(await logIn(app, createKeyText()), 401, 'key-invalid');
    expectProblem(await request(app.handler).post('/v1/session').send({}), 422, 'invalid-option', 'key');
    const evil = logIn(app, keys.text.read).set('origin', 'https://evil.example');
    expectProblem(await evil, 403, 'origin-not-allowed');
    const known = logIn(app, keys.text.read).set('origin', 'https://shop.example');
    expectProblem(await known, 403, 'origin-not-allowed');
    const open = world.withApp({ access: createAccess() });
    expectProblem(await logIn(open, keys.text.read), 422, 'invalid-option', 'key');
    const me = await get(open, '/v1/session').expect(200);
    expect(me.body).toEqual({ name: null, scope: 'read', expiresAt: null });
  });
});
