import { connect, type Socket } from 'node:net';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSearch } from '../../src/search/search.js';
import type { AppLimits } from '../../src/server/deps.js';
import { startServer, type RunningServer } from '../../src/server/start.js';
import { fakeCatalogue, fakeEmbedder, type FakeEmbedder } from './fakes.js';
import { createWorld, expectProblem, itemUrl, picture, type World } from './helpers.js';

let world: World;
let red: Buffer;
beforeAll(async () => {
  world = await createWorld();
  red = await picture([200, 10, 30]);
});
afterAll(() => world.close());

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

/** A server whose only place for image queries is taken. */
async function fullServer(limits: Partial<AppLimits> = {}): Promise<{ server: RunningServer; embedder: FakeEmbedder }> {
  const embedder = fakeEmbedder();
  const search = createSearch({ catalogue: fakeCatalogue(world.items), embedder });
  const app = world.withApp({ search, limits: { imageQueries: 1, ...limits } });
  const server = await startServer(app, { host: '127.0.0.1', port: 0 });
  cleanUp.push(() => server.close({ graceMs: 0 }));
  const release = embedder.hold();
  const first = fetch(`${server.url}/v1/search`, {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: Uint8Array.from(red),
  });
  cleanUp.push(async () => (await first).text());
  cleanUp.push(release); // done in the reverse order
  await until(() => embedder.pending === 1);
  return { server, embedder };
}

/** A connection by hand; what came back is in `text`. */
async function open({ port }: RunningServer) {
  const socket: Socket = connect(port, '127.0.0.1');
  const seen = { text: '', closed: false, error: '' };
  socket.on('data', (bytes) => (seen.text += bytes.toString()));
  socket.on('error', (error) => (seen.error = error.message));
  socket.on('close', () => (seen.closed = true));
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  cleanUp.push(() => socket.destroy());
  return { socket, seen };
}

const head = (length: number, more = ''): string =>
  `POST /v1/search HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\ncontent-length: ${length}\r\n${more}\r\n`;

describe('a request beyond the bound', () => {
  it('is refused on its headers, before a byte of its body', async () => {
    const { server } = await fullServer();
    const { socket, seen } = await open(server);
    socket.write(head(1_000_000));
    await until(() => seen.text.includes('overloaded'));
    expect(seen.text).toMatch(/^HTTP\/1\.1 503 .*retry-after: 1\r\n/is);
    // Its body may still come, and the connection serves on.
    socket.write(Buffer.alloc(1_000_000));
    socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await until(() => seen.text.includes('"ok"'));
    expect([seen.closed, seen.error]).toEqual([false, '']);
  });

  it('is not invited to send the body it asks about', async () => {
    const { server } = await fullServer();
    const { socket, seen } = await open(server);
    socket.write(head(1_000_000, 'expect: 100-continue\r\n'));
    await until(() => seen.closed);
    expect(seen.text).toMatch(/^HTTP\/1\.1 503 .*connection: close\r\n/is);
    expect([seen.text.includes('100 Continue'), seen.error]).toEqual([false, '']);
  });

  it('is cut when it sends on and on', async () => {
    const { server } = await fullServer({ bodyBytes: 1000 });
    const { socket, seen } = await open(server);
    socket.write(head(1e9));
    await until(() => seen.text.includes('overloaded'));
    const chunk = Buffer.alloc(200_000);
    while (!seen.closed) {
      socket.write(chunk);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(socket.bytesWritten).toBeLessThan(50_000_000);
  });

  it('leaves searches without a picture, and /healthz, alone', async () => {
    const { server } = await fullServer();
    const json = { 'content-type': 'application/json' };
    const answers = await Promise.all([
      fetch(`${server.url}${itemUrl('half.png', '/similar')}`),
      fetch(`${server.url}/v1/search`, { method: 'POST', headers: json, body: '{"id":"half.png"}' }),
      fetch(`${server.url}/healthz`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const large = JSON.stringify({ image: 'A'.repeat(100_000) });
    const refused = await fetch(`${server.url}/v1/search`, { method: 'POST', headers: json, body: large });
    expect(refused.status).toBe(503);
  });

  it('is refused among searches and writes as well', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const plain = fakeCatalogue(world.items);
    let asked = 0;
    const catalogue = fakeCatalogue(world.items, {
      get: async (id) => {
        asked++;
        await gate;
        return plain.get(id);
      },
    });
    const app = world.withApp({ catalogue, limits: { searches: 1, writes: 0 } });
    const first = request(app.handler)
      .get(itemUrl('half.png'))
      .then(({ status }) => status);
    await until(() => asked === 1);
    expectProblem(await request(app.handler).get(itemUrl('half.png')), 503, 'overloaded');
    expectProblem(await request(app.handler).delete(itemUrl('half.png')), 503, 'overloaded');
    release();
    expect(await first).toBe(200);
  });
});

describe('an invitation', () => {
  it('is sent when there is a place', async () => {
    const server = await startServer(world.withApp({}), { host: '127.0.0.1', port: 0 });
    cleanUp.push(() => server.close());
    const { socket, seen } = await open(server);
    socket.write(head(red.length, 'expect: 100-continue\r\n'));
    await until(() => seen.text.includes('100 Continue'));
    socket.write(red);
    await until(() => seen.text.includes('"results"'));
    socket.destroy();
  });
});

describe('time', () => {
  it('is limited: what is not answered by then gets 503, and its place is free when its work ends', async () => {
    const embedder = fakeEmbedder();
    const search = createSearch({ catalogue: fakeCatalogue(world.items), embedder });
    const app = world.withApp({ search, limits: { requestMs: 60, imageQueries: 1 } });
    const send = () => request(app.handler).post('/v1/search').set('content-type', 'image/png').send(red);
    const release = embedder.hold();
    const late = await send();
    expectProblem(late, 503, 'timed-out');
    expect(late.headers['retry-after']).toBe('1');
    expectProblem(await send(), 503, 'overloaded');
    release();
    await until(() => embedder.pending === 0);
    expect((await send()).status).toBe(200);
    expect((await request(app.handler).get('/metrics')).text).toContain('kindred_timed_out_total 1');
  });
});

describe('a client that goes away', () => {
  it('loses its turn at the embedder', async () => {
    const { server, embedder } = await fullServer({ imageQueries: 3, embeddings: 1 });
    const stop = new AbortController();
    const gone = fetch(`${server.url}/v1/search`, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: Uint8Array.from(red),
      signal: stop.signal,
    });
    const queued = async (): Promise<string> => {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      return /^kindred_queue_waiting\{queue="embeddings"\} (\d)$/m.exec(text)?.[1] ?? '';
    };
    while ((await queued()) !== '1');
    stop.abort();
    await expect(gone).rejects.toThrow();
    while ((await queued()) !== '0');
    expect(embedder.pending).toBe(1);
  });
});
