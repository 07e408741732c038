import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allowedHostsFor } from '../../src/server/middleware/security.js';
import { modelResponseSchema, statsResponseSchema } from '../../src/server/schemas/api.js';
import { fakeCatalogue } from './fakes.js';
import { createWorld, expectProblem, model, picture, type World } from './helpers.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const get = (path: string) => request(world.app.handler).get(path);

describe('what the server says of itself', () => {
  it('gives counts and the model, and nothing else', async () => {
    const stats = await get('/v1/stats');
    expect(statsResponseSchema.strict().parse(stats.body)).toMatchObject({ items: world.items.length, dimension: 3 });
    const about = await get('/v1/model');
    expect(modelResponseSchema.strict().parse(about.body)).toEqual(model);
    expect(about.headers['cache-control']).toBe('no-store');
  });

  it('is alive and ready, until it drains', async () => {
    const app = world.withApp({});
    expect((await request(app.handler).get('/healthz')).body).toEqual({ status: 'ok' });
    expect((await request(app.handler).get('/readyz')).body).toEqual({ status: 'ready' });
    app.drain();
    const ready = await request(app.handler).get('/readyz');
    expectProblem(ready, 503, 'interrupted');
    expect(ready.headers['retry-after']).toBe('1');
    const health = await request(app.handler).get('/healthz');
    expect([health.status, health.headers['connection']]).toEqual([200, 'close']);
  });
});

describe('paths and methods', () => {
  it.each(['/v1', '/v1/nothing', '/V1/items', '/v1/items/a/b/c', '/index.html', '/..%2f..%2fetc/passwd'])(
    'answers 404 on %s',
    async (path) => {
      expectProblem(await get(path), 404, 'route-not-found');
    },
  );

  it.each([
    ['post', '/v1/items/half.png', 'HEAD, GET, PUT, DELETE, OPTIONS'],
    ['put', '/v1/items', 'HEAD, GET, OPTIONS'],
    ['get', '/v1/search', 'POST, OPTIONS'],
    ['post', '/healthz', 'HEAD, GET, OPTIONS'],
  ] as const)('answers 405 on %s %s and says what is possible', async (method, path, allow) => {
    const response = await request(world.app.handler)[method](path);
    expectProblem(response, 405, 'method-not-allowed');
    expect(response.headers['allow']).toBe(allow);
    const options = await request(world.app.handler).options(path);
    expect([options.status, options.headers['allow']]).toEqual([204, allow]);
  });
});

describe('the page', () => {
  it('is served with a policy that allows nothing from elsewhere, nothing inline', async () => {
    const page = join(world.folder, 'web');
    await mkdir(join(page, 'assets'), { recursive: true });
    await writeFile(join(page, 'index.html'), '<!doctype html><title>kindred</title>');
    await writeFile(join(page, 'assets', 'app-123.js'), '1');
    const app = world.withApp({ page });
    const index = await request(app.handler).get('/?id=half.png');
    expect(index.text).toContain('kindred');
    expect(index.headers).toMatchObject({ 'cache-control': 'no-cache', 'x-frame-options': 'DENY' });
    const policy = index.headers['content-security-policy'];
    expect(policy).toContain("default-src 'none';script-src 'self'");
    expect(policy).toContain("img-src 'self' blob: data:");
    expect(policy).not.toMatch(/unsafe|https:|\*/);
    const script = await request(app.handler).get('/assets/app-123.js');
    expect(script.headers['cache-control']).toContain('immutable');
    expectProblem(await request(app.handler).get('/assets/other.js'), 404, 'route-not-found');
    expectProblem(await request(app.handler).get('/..%2f0.png'), 404, 'route-not-found');
  });

  it('says how to build it when it is not there', async () => {
    expect(expectProblem(await get('/'), 404, 'route-not-found').hint).toContain('npm run build');
  });
});

describe('callers', () => {
  it('answers to loopback names and its own alone, when it listens on loopback', async () => {
    const app = world.withApp({ allowedHosts: allowedHostsFor('127.0.0.1') });
    const withHost = (host: string) => request(app.handler).get('/healthz').set('host', host);
    for (const host of ['localhost', 'localhost:7700', '127.0.0.1:1', '[::1]:7700', 'LOCALHOST']) {
      expect((await withHost(host)).status).toBe(200);
    }
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example:7700',
      'evil.example:127',
      '',
    ]) {
      expectProblem(await withHost(host), 403, 'host-not-allowed');
    }
    expect(allowedHostsFor('127.0.0.2')).toContain('127.0.0.2');
    expect(allowedHostsFor('::1')).toContain('[::1]');
    expect(allowedHostsFor('0.0.0.0')).toBeUndefined();
    expect(allowedHostsFor('127.evil.example')).toBeUndefined();
  });

  it('takes no post from a page of another origin', async () => {
    const post = (origin: string) =>
      request(world.app.handler)
        .post('/v1/search')
        .set('host', 'localhost:7700')
        .set('origin', origin)
        .send({ id: 'half.png' });
    expect((await post('http://localhost:7700')).status).toBe(200);
    for (const origin of ['http://evil.example', 'http://localhost:8000', 'null']) {
      expectProblem(await post(origin), 403, 'origin-not-allowed');
    }
  });
});

describe('failures of our own', () => {
  it('go to the log in full and to the client without a detail', async () => {
    const logged: unknown[] = [];
    const log = {
      error: (...entry: unknown[]) => void logged.push(entry),
      warn: () => undefined,
      info: () => undefined,
    };
    const failure = new Error('EIO: /secret/folder/catalogue.db');
    const app = world.withApp({
      log,
      catalogue: fakeCatalogue(world.items, { stats: () => Promise.reject(failure) }),
    });
    const response = await request(app.handler).get('/v1/stats');
    expectProblem(response, 500, 'internal');
    expect(response.text).not.toContain('secret');
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject([{ method: 'GET', url: '/v1/stats', cause: failure }, 'request failed']);
  });

  it('are not what a bad request is', async () => {
    const logged: unknown[] = [];
    const log = {
      error: (...entry: unknown[]) => void logged.push(entry),
      warn: () => undefined,
      info: () => undefined,
    };
    await request(world.withApp({ log }).handler).get('/v1/items/nobody');
    expect(logged).toEqual([]);
  });
});

describe('too many image queries', () => {
  it('are told to come back, and the rest goes on', async () => {
    const app = world.withApp({ limits: { imageQueries: 2 } });
    const red = await picture([200, 10, 30]);
    const send = () => request(app.handler).post('/v1/search').attach('image', red, 'a.png');
    const release = world.embedder.hold();
    const under = [send(), send()].map((query) => query.then((response) => response.status));
    while (world.embedder.pending < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const turnedAway = await send();
    expectProblem(turnedAway, 503, 'overloaded');
    expect(turnedAway.headers['retry-after']).toBe('1');
    const part = await request(app.handler).get('/v1/items/half.png/similar?box=0,0,1,1');
    expectProblem(part, 503, 'overloaded');
    expect((await request(app.handler).get('/v1/items/half.png/similar')).status).toBe(200);
    release();
    expect(await Promise.all(under)).toEqual([200, 200]);
    expect((await send()).status).toBe(200);
  });
});
