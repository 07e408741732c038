import { readFileSync } from 'node:fs';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSearch } from '../../src/search/search.js';
import { createMetrics } from '../../src/server/metrics.js';
import { fakeCatalogue, fakeEmbedder } from './fakes.js';
import { createWorld, itemUrl, picture, type World } from './helpers.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

it('every metric of ours is explained in docs/operations.md', async () => {
  const found = await scrape(world.withApp({}));
  const names = [...found.keys()].map((series) =>
    series.replace(/\{.*|_(bucket|sum|count)$/g, '').replace(/_(bucket|sum|count)$/, ''),
  );
  const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const unexplained = [...new Set(names)].filter(
    (name) => name.startsWith('kindred_') && !text.includes(`\`${name}\``),
  );
  expect(unexplained).toEqual([]);
  expect(names.length).toBeGreaterThan(15);
});

type App = ReturnType<World['withApp']>;

/** Series with their values: `name{labels}` → number. */
async function scrape(app: App): Promise<Map<string, number>> {
  const { status, headers, text } = await request(app.handler).get('/metrics');
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

const duration = (method: string, route: string, status: string) =>
  `kindred_http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"}`;

describe('GET /metrics', () => {
  it('counts requests by route and class of status, and times the parts of a search', async () => {
    const metrics = createMetrics();
    const { embedder } = world;
    const search = createSearch({ catalogue: fakeCatalogue(world.items), embedder, observe: metrics.stage });
    const app = world.withApp({ metrics, search });
    await request(app.handler).get(itemUrl('half.png'));
    await request(app.handler).get(itemUrl('nobody'));
    await request(app.handler).get(itemUrl('half.png', '/similar'));
    const red = await picture([200, 10, 30]);
    await request(app.handler).post('/v1/search').set('content-type', 'image/png').send(red);
    await request(app.handler).get('/nothing');
    const found = await scrape(app);
    expect(found.get(duration('GET', '/v1/items/{id}', '2xx'))).toBe(1);
    expect(found.get(duration('GET', '/v1/items/{id}', '4xx'))).toBe(1);
    expect(found.get(duration('GET', '/v1/items/{id}/similar', '2xx'))).toBe(1);
    expect(found.get(duration('POST', '/v1/search', '2xx'))).toBe(1);
    expect(found.get(duration('GET', 'none', '4xx'))).toBe(1);
    expect(found.get('kindred_stage_duration_seconds_count{stage="embed"}')).toBe(1);
    expect(found.get('kindred_stage_duration_seconds_count{stage="search"}')).toBe(2);
    expect(found.get('kindred_http_requests_in_flight')).toBe(1); // itself
  });

  it('says what the index and the model are', async () => {
    const app = world.withApp({
      catalogue: fakeCatalogue(world.items, {
        stats: async () => ({
          ...(await fakeCatalogue(world.items).stats()),
          changeNumber: 40,
          graph: { state: 'building', items: 3, pending: 7 },
          densities: { items: 2, changeNumber: 30 },
        }),
      }),
    });
    const found = await scrape(app);
    expect(found.get('kindred_index_items')).toBe(world.items.length);
    expect(found.get('kindred_index_bytes')).toBe(123);
    expect(found.get('kindred_graph_pending_items')).toBe(7);
    expect(found.get('kindred_graph_ready')).toBe(0);
    expect(found.get('kindred_densities_lag_changes')).toBe(10);
    const info = [...found.keys()].filter((name) => /^kindred_(model|build)_info/.test(name));
    expect(info).toEqual([
      `kindred_model_info{fingerprint="${'f'.repeat(64)}",backbone="mean colour",dimension="3"}`,
      expect.stringContaining(`node="${process.version}"`),
    ]);
    expect(found.get('kindred_uptime_seconds')).toBeGreaterThan(0);
  });

  it('follows a switch of the model: the one before is no longer said', async () => {
    const metrics = createMetrics();
    await scrape(world.withApp({ metrics }));
    const other = { fingerprint: 'e'.repeat(64), dimension: 3, backbone: 'x', inputSize: 96 };
    const about = { loss: null, densityTerm: null, metrics: {}, dataset: null, madeBy: null };
    const found = await scrape(world.withApp({ metrics, model: { ...other, ...about } }));
    expect([...found.keys()].filter((name) => name.startsWith('kindred_model_info'))).toHaveLength(1);
  });

  it('has as many series whatever strangers ask for, and no id in them', async () => {
    const app = world.withApp({});
    const ask = async (round: number): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        const secret = `secret-${round}-${i}`;
        await request(app.handler).get(itemUrl(secret));
        await request(app.handler).get(itemUrl(secret, '/similar'));
        await request(app.handler).get(`/${secret}/a/b`);
        await request(app.handler)
          .get('/v1/items')
          .query({ filter: `${secret}=1` });
        await request(app.handler).propfind(`/v1/items/${secret}`);
        await request(app.handler).mkcol(`/${secret}`);
      }
    };
    await ask(1);
    await scrape(app);
    const before = await scrape(app);
    await ask(2);
    const after = await scrape(app);
    expect([...after.keys()]).toEqual([...before.keys()]);
    expect([...after.keys()].join('\n')).not.toContain('secret');
    expect(after.size).toBeLessThan(300);
  });

  it('answers while the index does not', async () => {
    const app = world.withApp({ catalogue: fakeCatalogue(world.items, { stats: () => new Promise(() => undefined) }) });
    const found = await scrape(app);
    expect(found.get('kindred_queue_places{queue="images"}')).toBe(64);
  });

  it('tells of the queues and of what they turned away', async () => {
    const embedder = fakeEmbedder();
    const search = createSearch({ catalogue: fakeCatalogue(world.items), embedder });
    const app = world.withApp({ search, limits: { imageQueries: 2, embeddings: 1 } });
    const red = await picture([200, 10, 30]);
    const send = () => request(app.handler).post('/v1/search').set('content-type', 'image/png').send(red);
    const release = embedder.hold();
    const under = [send(), send()].map((query) => query.then(({ status }) => status));
    while ((await scrape(app)).get('kindred_queue_waiting{queue="embeddings"}') !== 1);
    expect((await send()).status).toBe(503);
    const found = await scrape(app);
    expect(found.get('kindred_queue_active{queue="images"}')).toBe(2);
    expect(found.get('kindred_queue_active{queue="embeddings"}')).toBe(1);
    expect(found.get('kindred_queue_refused_total{queue="images"}')).toBe(1);
    release();
    expect(await Promise.all(under)).toEqual([200, 200]);
  });

  it('has the process’s own numbers where it is asked to', async () => {
    const found = await scrape(world.withApp({ metrics: createMetrics({ process: true }) }));
    expect(found.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect([...found.keys()]).toContain('nodejs_eventloop_lag_p99_seconds');
  });
});
