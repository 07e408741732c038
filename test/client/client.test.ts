import { createServer, type RequestListener, type Server } from 'node:http';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createClient, KindredClientError, type BatchLine, type KindredClient } from '../../src/client/client.js';
import { picture } from '../server/helpers.js';
import { createClientWorld, type ClientWorld } from './world.js';

let world: ClientWorld;
let kindred: KindredClient;
let green: Buffer;
beforeAll(async () => {
  world = await createClientWorld();
  kindred = createClient(world.server.url);
  green = await picture([20, 200, 30]);
});
afterAll(() => world.close());

const greenId = 'leaf?#&=+%2F.png';
const collect = async <T>(values: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
};
const failureOf = async (call: Promise<unknown>): Promise<KindredClientError> => {
  const error: unknown = await call.catch((reason: unknown) => reason);
  if (error instanceof KindredClientError) return error;
  throw new Error('it did not fail as it should', { cause: error });
};

/** One call of each operation, by its name; each must resolve. */
const calls: Readonly<Record<string, (client: KindredClient) => Promise<unknown>>> = {
  search: (client) => client.search({ id: 'half.png', limit: 2 }),
  searchBatch: (client) => client.searchBatch([{ id: 'half.png' }, { vector: [1, 2, 3] }]),
  similarItems: (client) => client.similarItems('half.png', { limit: 2, box: { x: 0, y: 0, w: 0.5, h: 1 } }),
  embed: (client) => client.embed(new Blob([Uint8Array.from(green)], { type: 'image/png' })),
  listItems: (client) => client.listItems({ limit: 2 }),
  getItem: (client) => client.getItem(greenId),
  putItem: (client) => client.putItem('new/one', { vector: [1, 2, 3], label: 'x' }),
  deleteItem: (client) => client.deleteItem('new/one'),
  writeItems: (client) => collect(client.writeItems([{ id: 'nobody', op: 'delete' }])),
  getItemImage: (client) => client.getItemImage('half.png', { width: 20 }),
  getAudit: (client) => client.getAudit({ limit: 3, wait: 5 }),
  createSnapshot: (client) => client.createSnapshot({ name: 'by-the-client' }),
  listSnapshots: (client) => client.listSnapshots(),
  getStats: (client) => client.getStats(),
  getModel: (client) => client.getModel(),
  isAlive: (client) => client.isAlive(),
  isReady: (client) => client.isReady(),
  getMetrics: (client) => client.getMetrics(),
  getOpenApi: (client) => client.getOpenApi(),
};

/** Programs send their key; sessions are for the page. */
const ofThePage = new Set(['logIn', 'logOut', 'getSession']);

describe('the client', () => {
  it('has a method for every operation of the document, and each works', async () => {
    const operations = z.object({
      paths: z.record(z.string(), z.record(z.string(), z.object({ operationId: z.string() }))),
    });
    const { paths } = operations.parse(await kindred.getOpenApi());
    const named = Object.values(paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    expect(Object.keys(calls).sort()).toEqual(named.filter((name) => !ofThePage.has(name)).sort());
    expect(Object.keys(kindred)).toEqual(expect.arrayContaining(Object.keys(calls)));
    for (const [name, call] of Object.entries(calls)) await expect(call(kindred), name).resolves.not.toThrow();
  });

  it('searches by picture, item and vector alike', async () => {
    const filter = { category: ['leaf', 'fruit'] };
    const byImage = await kindred.searchByImage(green, { limit: 3, filter });
    expect(byImage.results[0]?.id).toBe(greenId);
    const { embedding } = await kindred.embed(green);
    const byVector = await kindred.searchByVector(embedding, { limit: 3, filter, exact: true });
    expect(byVector.results.map(({ id }) => id)).toEqual(byImage.results.map(({ id }) => id));
    const byId = await kindred.searchById(greenId, { limit: 2, filter });
    expect(byId.results.map(({ id }) => id)).toEqual(byImage.results.slice(1).map(({ id }) => id));
    expect((await kindred.similarItems(greenId, { limit: 2, filter })).results).toEqual(byId.results);
    const box = { x: 0, y: 0, w: 0.25, h: 1 };
    expect((await kindred.searchById('half.png', { limit: 1, box })).results[0]?.id).toBe('fruit/cherry 1.png');
    const half = await picture([20, 20, 220], [200, 10, 30]);
    expect((await kindred.searchByImage(half, { limit: 1, box })).results[0]?.id).toBe('ünï/漢字 "q" <b>.png');
  });

  it('takes every option of a search, in JSON as in an address', async () => {
    const filter = { $or: [{ category: { in: ['fruit', 'leaf'] } }, { $not: { category: { exists: true } } }] };
    const options = { limit: 2, filter, groupBy: 'category', groupSize: 2, maxDistance: 4, exact: true, ef: 20 };
    const asJson = await kindred.searchById(greenId, options);
    expect(asJson.groups?.length).toBeGreaterThan(0);
    for (const other of [kindred.similarItems(greenId, options), kindred.search({ id: greenId, ...options })]) {
      expect((await other).groups).toEqual(asJson.groups);
    }
    expect((await kindred.searchByImage(green, options)).groups?.[0]?.results[0]?.id).toBe(greenId);
    const unscored = await failureOf(kindred.searchById(greenId, { minScore: 0.5 }));
    expect(unscored).toMatchObject({ code: 'calibration-missing', field: 'minScore' });
  });

  it('searches by several examples, and by many queries at once', async () => {
    const examples = { positives: [{ image: green }, { id: 'half.png' }], negatives: [{ vector: [1, 0, 0] }] };
    const { results } = await kindred.search({ ...examples, negativeWeight: 0.5, limit: 3 });
    expect(results.length).toBe(3);
    const [one, wrong, same] = await kindred.searchBatch([
      { image: green, limit: 1 },
      { id: 'nobody' },
      { ...examples, negativeWeight: 0.5, limit: 3 },
    ]);
    expect(one).toMatchObject({ results: [{ id: greenId }] });
    expect(wrong).toMatchObject({ problem: { code: 'item-not-found' } });
    expect(same).toMatchObject({ results: results.map(({ id }) => ({ id })) });
  });

  it('pages through a search', async () => {
    const pages = await collect(kindred.searchPages({ id: greenId, limit: 2 }));
    const all = await kindred.searchById(greenId, { limit: 100 });
    const ids = pages.flatMap((page) => page.results.map(({ id }) => id));
    expect(ids).toEqual(all.results.map(({ id }) => id));
    expect(pages.length).toBeGreaterThan(1);
  });

  it('walks all items, page by page', async () => {
    const all = await collect(kindred.items({ limit: 2 }));
    expect(all.map(({ id }) => id)).toEqual((await kindred.listItems()).items.map(({ id }) => id));
    expect(all.length).toBeGreaterThan(4);
    expect((await collect(kindred.items({ filter: { category: 'fruit' } }))).length).toBe(2);
  });

  it('writes with pictures, text and conditions, and reads what it wrote', async () => {
    const image = await picture([9, 99, 199]);
    const written = await kindred.putItem('a/ü 1', { image, label: 'sea', metadata: { price: 4, used: true } });
    expect(written.value).toMatchObject({
      outcome: 'added',
      item: { label: 'sea', metadata: { price: 4, used: true } },
    });
    const { value, etag } = await kindred.getItem('a/ü 1');
    expect([value, etag]).toEqual([written.value.item, written.etag]);
    const stored = await kindred.getItemImage('a/ü 1');
    expect(Buffer.from(await stored.arrayBuffer()).equals(image)).toBe(true);
    const ifMatch = etag ?? '';
    expect((await kindred.putItem('a/ü 1', { label: 'sky' }, { ifMatch })).value.outcome).toBe('replaced');
    expect((await failureOf(kindred.deleteItem('a/ü 1', { ifMatch }))).code).toBe('precondition-failed');
    expect((await failureOf(kindred.putItem('a/ü 1', { image }, { ifAbsent: true }))).status).toBe(412);
    await kindred.deleteItem('a/ü 1', { ifMatch: '*' });
    expect(await failureOf(kindred.getItem('a/ü 1'))).toMatchObject({
      code: 'item-not-found',
      status: 404,
      field: 'id',
    });
  });

  it('writes many, over several requests, and counts their lines through', async () => {
    function* lines(): Generator<BatchLine> {
      for (let i = 0; i < 700; i++) yield { id: `many/${i}`, vector: [1, i, 2] };
      yield { id: 'many/bad', vector: [1] };
      yield { id: 'many/picture', image: green };
    }
    const results = await collect(kindred.writeItems(lines()));
    expect(results.map(({ line }) => line)).toEqual(Array.from({ length: 702 }, (_, i) => i + 1));
    expect(results.at(-2)).toMatchObject({ outcome: 'failed', problem: { code: 'invalid-vector' } });
    expect(results.at(-1)).toMatchObject({ id: 'many/picture', outcome: 'added' });
    const gone = results
      .filter(({ outcome }) => outcome === 'added')
      .map(({ id }) => ({ id: id ?? '', op: 'delete' as const }));
    expect((await collect(kindred.writeItems(gone))).every(({ outcome }) => outcome === 'deleted')).toBe(true);
  });

  it('says what was wrong', async () => {
    const wrong = await failureOf(kindred.searchById('half.png', { limit: 0 }));
    expect(wrong).toMatchObject({ code: 'invalid-option', status: 422, field: 'limit' });
    expect(wrong.message).toContain('limit');
    const nowhere = await failureOf(createClient('http://127.0.0.1:1').getStats());
    expect(nowhere).toMatchObject({ code: 'unreachable', status: 0 });
  });
});

describe('before another server', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  const stub = async (handler: RequestListener): Promise<string> => {
    server = createServer(handler);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  };
  const problem = JSON.stringify({ type: 'x', title: 'x', status: 503, code: 'overloaded', detail: 'too many' });

  it('comes back when it is told to, as often as it may', async () => {
    const at: number[] = [];
    const url = await stub((_request, response) => {
      at.push(performance.now());
      if (at.length > 2) response.end('{"snapshots": [], "running": null}');
      else response.writeHead(at.length === 1 ? 503 : 429, { 'retry-after': at.length === 1 ? '0' : '1' }).end(problem);
    });
    expect(await createClient(url).listSnapshots()).toEqual({ snapshots: [], running: null });
    expect((at[2] ?? 0) - (at[1] ?? 0)).toBeGreaterThan(950);
    at.length = 0;
    const failure = await failureOf(createClient(url, { retries: 0 }).listSnapshots());
    expect([failure.code, failure.retryAfter, at.length]).toEqual(['overloaded', 0, 1]);
  });

  it('does not wait for longer than it may, and stops waiting when it is aborted', async () => {
    let count = 0;
    const url = await stub((_request, response) => {
      count++;
      response.writeHead(503, { 'retry-after': '20' }).end(problem);
    });
    expect((await failureOf(createClient(url, { longestWait: 10 }).getStats())).retryAfter).toBe(20);
    const waiting = createClient(url).getStats({ signal: AbortSignal.timeout(100) });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(count).toBe(2);
  });

  it('sends its key, keeps to the path it is under, and knows what is not kindred', async () => {
    const seen: unknown[] = [];
    const url = await stub(({ url: path, headers }, response) => {
      seen.push([path, headers.authorization]);
      response.end(path === '/under/healthz' ? '{}' : '<html>');
    });
    const client = createClient(`${url}/under`, { key: 'secret' });
    expect(await client.isAlive()).toBe(true);
    expect((await failureOf(client.getStats())).code).toBe('unexpected-answer');
    expect(seen).toEqual([
      ['/under/healthz', 'Bearer secret'],
      ['/under/v1/stats', 'Bearer secret'],
    ]);
  });
});

it('brings nothing with it: the built client imports its own files alone', () => {
  for (const file of ['client', 'transport', 'requests', 'batch', 'guards', 'error']) {
    const text = readFileSync(`dist/client/${file}.js`, 'utf8');
    const imported = [...text.matchAll(/(?:from|import)\s*\(?['"]([^'"]+)/g)].map(([, path]) => path);
    for (const path of imported) expect(path).toMatch(/^\.\/[a-z]+\.js$/);
  }
});
