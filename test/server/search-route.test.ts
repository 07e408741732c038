import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSearch } from '../../src/search/search.js';
import { createTruthMeter } from '../../src/search/truth-meter.js';
import { embedResponseSchema, searchResponseSchema, statsResponseSchema } from '../../src/server/schemas/api.js';
import { searchBatchResponseSchema } from '../../src/server/schemas/search.js';
import { calibration } from './calibration.js';
import { fakeCatalogue } from './fakes.js';
import { createWorld, expectProblem, itemUrl, picture, type World } from './helpers.js';

let world: World;
let red: Buffer;
let half: Buffer;
beforeAll(async () => {
  world = await createWorld();
  red = await picture([200, 10, 30], undefined, 'jpeg');
  half = await picture([200, 10, 30], [20, 20, 220]);
});
afterAll(() => world.close());

const post = (path = '/v1/search') => request(world.app.handler).post(path);
const json = (body: object, path = '/v1/search') => post(path).send(body);
const ids = (response: request.Response) => searchResponseSchema.parse(response.body).results.map(({ id }) => id);

describe('POST /v1/search', () => {
  it('finds what looks like an uploaded picture', async () => {
    const response = await post().attach('image', red, 'red.jpg').field('limit', '2');
    expect(response.status).toBe(200);
    expect(ids(response)).toEqual(['fruit/cherry 1.png', 'fruit/cherry 2.png']);
    const { results, query } = searchResponseSchema.strict().parse(response.body);
    expect(query).toEqual({ id: null, width: 64, height: 48 });
    const [{ distance, ...first } = { distance: NaN }] = results;
    expect(distance).toBeCloseTo(0, 2);
    expect(first).toEqual({
      id: 'fruit/cherry 1.png',
      path: 'fruit/cherry 1.png',
      label: 'cherry',
      metadata: { category: 'fruit', price: 3 },
      image: 'v1/items/fruit%2Fcherry%201.png/image',
      width: 64,
      height: 48,
      score: null,
    });
  });

  it('takes a picture alone as the body, with its options in the query', async () => {
    const send = (query: string, bytes = half) =>
      post(`/v1/search${query}`).set('content-type', 'image/png').send(bytes);
    const response = await send('?limit=1&box=0.5,0,0.5,1');
    expect(ids(response)).toEqual(['ünï/漢字 "q" <b>.png']);
    expect(ids(await send('')).length).toBeGreaterThan(1);
    expectProblem(await send('?limit=many'), 422, 'invalid-option', 'limit');
    expectProblem(await send('', Buffer.alloc(0)), 422, 'image-unreadable', 'image');
    const { embedding } = embedResponseSchema.parse(
      (await post('/v1/embed').set('content-type', 'image/jpeg').send(red)).body,
    );
    expect(embedding).toHaveLength(3);
  });

  it.each(['0.5,0,0.5,1', '{"x":0.5,"y":0,"w":0.5,"h":1}'])('searches for the part in the box %s', async (box) => {
    const response = await post().attach('image', half, 'half.png').field('box', box).field('limit', 1);
    expect(ids(response)).toEqual(['ünï/漢字 "q" <b>.png']);
  });

  it('applies a filter to an upload', async () => {
    const response = await post().attach('image', red, 'a').field('filter', '{"category":["leaf","sky"],"price":3}');
    expect(ids(response)).toEqual(['leaf?#&=+%2F.png']);
  });

  it('takes an item, which is not among its own results', async () => {
    const response = await json({ id: 'fruit/cherry 1.png', limit: 1000, exact: true, ef: 2 });
    expect(ids(response)).toHaveLength(world.items.length - 1);
    expect(ids(response)[0]).toBe('fruit/cherry 2.png');
    expect(response.body).toMatchObject({ query: { id: 'fruit/cherry 1.png', width: 64, height: 48 } });
  });

  it('takes a part of an item’s stored picture', async () => {
    const response = await json({ id: 'half.png', box: { x: 0, y: 0, w: 0.5, h: 1 }, limit: 1 });
    expect(ids(response)).toEqual(['fruit/cherry 1.png']);
  });

  it('takes a vector of any length, as long as it is a direction', async () => {
    expect(ids(await json({ vector: [0, 1e30, 0], limit: 1 }))).toEqual(['leaf?#&=+%2F.png']);
  });

  it('takes a base64 picture with a box and a filter', async () => {
    const body = { image: half.toString('base64'), box: { x: 0.5, y: 0, w: 0.5, h: 1 }, filter: { category: 'fruit' } };
    expect(new Set(ids(await json(body)))).toEqual(new Set(['fruit/cherry 1.png', 'fruit/cherry 2.png']));
  });

  it.each([
    ['no such id', { id: 'nobody' }, 404, 'item-not-found', 'id'],
    ['a vector too short', { vector: [1, 2] }, 422, 'invalid-vector', 'vector'],
    ['an all-zero vector', { vector: [0, 0, 0] }, 422, 'invalid-vector', 'vector'],
    ['a vector of words', { vector: ['a', 1, 2] }, 422, 'invalid-vector', 'vector'],
    ['a vector that overflows float32', { vector: [1e300, 1, 2] }, 422, 'invalid-vector', 'vector'],
    ['limit 0', { id: 'half.png', limit: 0 }, 422, 'invalid-option', 'limit'],
    ['limit 1001', { id: 'half.png', limit: 1001 }, 422, 'invalid-option', 'limit'],
    ['limit 1.5', { id: 'half.png', limit: 1.5 }, 422, 'invalid-option', 'limit'],
    ['limit automatic', { id: 'half.png', limit: 'automatic' }, 422, 'invalid-option', 'limit'],
    ['limit auto without a calibration', { id: 'half.png', limit: 'auto' }, 409, 'calibration-missing', 'limit'],
    ['precision 1.1', { id: 'half.png', limit: 'auto', precision: 1.1 }, 422, 'invalid-option', 'precision'],
    ['precision without auto', { id: 'half.png', precision: 0.5 }, 422, 'invalid-option', 'precision'],
    ['ef 0', { id: 'half.png', ef: 0 }, 422, 'invalid-option', 'ef'],
    ['an unknown filter field', { id: 'half.png', filter: { colour: 'red' } }, 422, 'unknown-filter-field', 'filter'],
    ['a nested filter', { id: 'half.png', filter: { label: { a: 1 } } }, 422, 'invalid-option', 'filter'],
    ['an empty filter list', { id: 'half.png', filter: { label: [] } }, 422, 'invalid-option', 'filter'],
    ['a misspelt option', { id: 'half.png', limits: 3 }, 422, 'invalid-option', 'limits'],
    ['two queries', { id: 'half.png', vector: [1, 0, 0] }, 422, 'invalid-option', undefined],
    ['no query', {}, 422, 'invalid-option', undefined],
    ['a list', [1], 422, 'invalid-option', undefined],
    ['a box outside', { id: 'half.png', box: { x: 0.6, y: 0, w: 0.5, h: 1 } }, 422, 'invalid-box', 'box'],
    ['a box without area', { id: 'half.png', box: { x: 0, y: 0, w: 0, h: 1 } }, 422, 'invalid-box', 'box'],
    ['a box with a vector', { vector: [1, 0, 0], box: { x: 0, y: 0, w: 1, h: 1 } }, 422, 'invalid-box', 'box'],
    [
      'a box of a picture that is none',
      { id: 'vector only', box: { x: 0, y: 0, w: 1, h: 1 } },
      404,
      'image-missing',
      'box',
    ],
    ['bad base64', { image: '!!' }, 422, 'invalid-option', 'image'],
    ['an empty picture', { image: '' }, 422, 'image-unreadable', 'image'],
  ])('answers %s with a problem', async (_name, body, status, code, field) => {
    expectProblem(await json(body), status, code, field);
  });

  it('names the rule that was broken', async () => {
    const { detail } = expectProblem(await json({ id: 'half.png', limit: 5000 }), 422, 'invalid-option', 'limit');
    expect(detail).toBe('limit must be at most 1000');
    const word = expectProblem(await json({ id: 'half.png', limit: 'many' }), 422, 'invalid-option', 'limit');
    expect(word.detail).toBe('limit must be a whole number from 1 to 1000, or auto');
    const unused = expectProblem(await json({ id: 'half.png', precision: 1 }), 422, 'invalid-option', 'precision');
    expect(unused.detail).toBe('precision goes with limit auto');
    const none = expectProblem(await json({ id: 'half.png', limit: 'auto' }), 409, 'calibration-missing', 'limit');
    expect(none.hint).toContain('kindred calibrate --index');
    const near = expectProblem(await json({ id: 'half.png', limt: 5 }), 422, 'invalid-option', 'limt');
    expect(near.detail).toContain('did you mean limit?');
  });

  it.each([
    ['box', '1,2', 'invalid-box', 422],
    ['box', '0.5,0,0.6,1', 'invalid-box', 422],
    ['box', '{', 'invalid-json', 400],
    ['filter', '{', 'invalid-json', 400],
    ['filter', '[1]', 'invalid-option', 422],
    ['limit', 'many', 'invalid-option', 422],
    ['exact', 'maybe', 'invalid-option', 422],
  ])('answers the form field %s=%s with a problem', async (field, value, code, status) => {
    expectProblem(await post().attach('image', red, 'a.jpg').field(field, value), status, code, field);
  });

  it('wants the picture in the field image, once', async () => {
    expectProblem(await post().field('limit', '3'), 422, 'invalid-option', 'image');
    expectProblem(await post().attach('picture', red, 'a'), 422, 'invalid-option', 'image');
    expectProblem(await post().attach('image', red, 'a').attach('image', red, 'b'), 422, 'invalid-option', 'image');
  });

  it('tells apart malformed JSON, other content types and no body', async () => {
    const malformed = post().set('content-type', 'application/json').send('{"id": ');
    expectProblem(await malformed, 400, 'invalid-json');
    expectProblem(await post().set('content-type', 'application/json'), 400, 'invalid-json');
    expectProblem(await post().set('content-type', 'text/plain').send('x'), 415, 'content-type-unsupported');
    expectProblem(await post(), 415, 'content-type-unsupported');
  });
});

describe('POST /v1/search, beyond one example', () => {
  it('says how long each stage took, in the answer and in a header', async () => {
    const response = await post().attach('image', red, 'red.jpg');
    const { timings, tookMs } = searchResponseSchema.parse(response.body);
    expect(timings.embed).toBeGreaterThan(0);
    expect(tookMs).toBeGreaterThanOrEqual(Math.max(...Object.values(timings)));
    expect(response.headers['server-timing']).toMatch(
      /^embed;dur=[\d.]+, search;dur=[\d.]+, score;dur=[\d.]+, total;dur=/,
    );
  });

  it('filters by ranges, contraries and combinations', async () => {
    const filter = { price: { gte: 3, lt: 5 }, $or: [{ category: 'leaf' }, { label: { exists: true } }] };
    const found = ids(await json({ id: 'half.png', filter }));
    expect(new Set(found)).toEqual(new Set(['fruit/cherry 1.png', 'fruit/cherry 2.png', 'leaf?#&=+%2F.png']));
    const query = '?filter=price%3E%3D5&filter=!category%3Dfruit&filter=%7B%22price%22%3A%7B%22exists%22%3Atrue%7D%7D';
    const similar = await request(world.app.handler).get(itemUrl('half.png', `/similar${query}`));
    expect(ids(similar)).toEqual(['ünï/漢字 "q" <b>.png']);
  });

  it('goes on with the cursor, with an upload and in a URL as well', async () => {
    const whole = ids(await json({ id: 'half.png' }));
    const first = await json({ id: 'half.png', limit: 2 });
    const { cursor } = searchResponseSchema.parse(first.body);
    expect([...ids(first), ...ids(await json({ id: 'half.png', limit: 9, cursor }))]).toEqual(whole);
    const page = (next: string) => request(world.app.handler).get(itemUrl('half.png', `/similar?limit=2${next}`));
    const one = searchResponseSchema.parse((await page('')).body);
    expect(ids(await page(`&cursor=${one.cursor}`))).toEqual(whole.slice(2, 4));
    const upload = () => post().attach('image', red, 'a.jpg').field('limit', 3);
    const start = searchResponseSchema.parse((await upload()).body);
    expect(ids(await upload().field('cursor', start.cursor ?? ''))).toHaveLength(3);
  });

  it('takes several examples, also beside an upload', async () => {
    const body = {
      positives: [{ id: 'half.png' }, { vector: [1, 0, 0] }],
      negatives: [{ image: half.toString('base64') }],
    };
    expect(ids(await json({ ...body, negativeWeight: 0.1 }))).toHaveLength(world.items.length - 1);
    const form = post().attach('image', red, 'a.jpg').field('negatives', '[{"id":"fruit/cherry 1.png"}]');
    expect(ids(await form.field('positives', '[{"id":"half.png"}]'))).not.toContain('fruit/cherry 1.png');
  });

  it('groups', async () => {
    const response = await json({ id: 'half.png', groupBy: 'category', groupSize: 2 });
    const { groups = [], results } = searchResponseSchema.parse(response.body);
    expect(new Set(groups.map(({ value }) => value))).toEqual(new Set(['fruit', 'leaf', 'sky']));
    expect(results.map(({ id }) => id)).toEqual(groups.map(({ results: [best] }) => best?.id));
  });

  it.each([
    ['a tampered cursor', { cursor: 'x.y' }, 400, 'invalid-cursor', 'cursor'],
    ['a cursor with auto', { limit: 'auto', cursor: 'x' }, 422, 'invalid-option', 'cursor'],
    ['a group size alone', { groupSize: 2 }, 422, 'invalid-option', 'groupSize'],
    ['too many in groups', { groupBy: 'category', groupSize: 100, limit: 11 }, 422, 'invalid-option', 'groupSize'],
    ['groups with auto', { limit: 'auto', groupBy: 'category' }, 422, 'invalid-option', 'groupBy'],
    ['an unknown group', { groupBy: 'categories' }, 422, 'unknown-filter-field', 'filter'],
    ['a score without calibration', { minScore: 0.5 }, 409, 'calibration-missing', 'minScore'],
    ['a score above 1', { minScore: 1.5 }, 422, 'invalid-option', 'minScore'],
    ['a distance above 4', { maxDistance: 5 }, 422, 'invalid-option', 'maxDistance'],
    ['positives beside an id', { positives: [{ id: 'half.png' }] }, 422, 'invalid-option', undefined],
    ['no negative', { negatives: [] }, 422, 'invalid-option', 'negatives'],
    ['an empty negative', { negatives: [{}] }, 422, 'invalid-option', 'negatives'],
    ['too many examples', { negatives: Array(33).fill({ id: 'a' }) }, 422, 'invalid-option', 'negatives'],
    ['a filter too deep', { filter: nested(5) }, 422, 'invalid-option', 'filter'],
    ['a filter too wide', { filter: { $or: Array(257).fill({ label: 'a' }) } }, 422, 'invalid-option', 'filter'],
  ])('answers %s with a problem', async (_name, body, status, code, field) => {
    expectProblem(await json({ id: 'half.png', ...body }), status, code, field);
  });

  it('shows the truth meter in the stats', async () => {
    const stats = async (app = world.app) =>
      statsResponseSchema.parse((await request(app.handler).get('/v1/stats')).body);
    expect((await stats()).truth).toBeNull();
    const truthMeter = createTruthMeter({ catalogue: fakeCatalogue(world.items), share: 0.5 });
    expect((await stats(world.withApp({ truthMeter }))).truth).toMatchObject({ share: 0.5, recallAt10: null });
  });
});

/** Alternating, so that no level can be left out. */
function nested(levels: number): object {
  return levels === 0 ? { label: 'a' } : { $or: [{ label: 'b' }, { $and: [nested(levels - 1), { label: 'c' }] }] };
}

describe('POST /v1/search:batch', () => {
  const batch = (queries: unknown) => json({ queries }, '/v1/search:batch');

  it('answers each query for itself, in order', async () => {
    const image = red.toString('base64');
    const response = await batch([
      { image, limit: 2 },
      { id: 'nobody' },
      { id: 'half.png', limt: 3 },
      { id: 'half.png' },
      7,
    ]);
    expect(response.status).toBe(200);
    const { answers } = searchBatchResponseSchema.parse(response.body);
    expect(answers.map((one) => ('problem' in one ? one.problem.code : one.results.length))).toEqual([
      2,
      'item-not-found',
      'invalid-option',
      world.items.length - 1,
      'invalid-option',
    ]);
    const alone = ids(await json({ image, limit: 2 }));
    expect(answers[0]).toMatchObject({ results: alone.map((id) => ({ id })) });
  });

  it('is bounded in queries and in pictures', async () => {
    expectProblem(await batch([]), 422, 'invalid-option', 'queries');
    expectProblem(await batch(Array(33).fill({ id: 'half.png' })), 422, 'invalid-option', 'queries');
    const image = half.toString('base64');
    const many = { positives: Array(20).fill({ image }) };
    const { answers } = searchBatchResponseSchema.parse((await batch([many, many, { id: 'half.png' }])).body);
    expect(answers.map((one) => ('problem' in one ? one.problem.field : 'found'))).toEqual([
      'found',
      'queries',
      'found',
    ]);
    expectProblem(await post('/v1/search:batch').attach('image', red, 'a.jpg'), 415, 'content-type-unsupported');
  });
});

describe('POST /v1/embed', () => {
  it.each([
    ['form', () => post('/v1/embed').attach('image', half, 'a.png').field('box', '0,0,0.5,1')],
    ['JSON', () => json({ image: half.toString('base64'), box: { x: 0, y: 0, w: 0.5, h: 1 } }, '/v1/embed')],
  ])('embeds a part of a picture from %s', async (_kind, send) => {
    const { embedding, dimension, fingerprint } = embedResponseSchema.strict().parse((await send()).body);
    expect([dimension, fingerprint]).toEqual([3, 'f'.repeat(64)]);
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
    expect(embedding[0]).toBeGreaterThan(0.9);
  });

  it('takes nothing but a picture and a box', async () => {
    expectProblem(await json({ id: 'half.png' }, '/v1/embed'), 422, 'invalid-option', 'image');
    expectProblem(
      await post('/v1/embed').attach('image', red, 'a').field('limit', '3'),
      422,
      'invalid-option',
      'limit',
    );
  });
});

describe('GET /v1/items/:id/similar', () => {
  const similar = (id: string, query: string) => request(world.app.handler).get(itemUrl(id, `/similar${query}`));

  it('finds what is like an item, whatever its id', async () => {
    for (const { id } of world.items) {
      const response = await similar(id, '?limit=1000');
      expect(response.status).toBe(200);
      expect(ids(response)).toHaveLength(world.items.length - 1);
      expect(ids(response)).not.toContain(id);
    }
  });

  it('takes a box, a filter, exact and ef', async () => {
    const query = '?limit=3&box=0.5,0,0.5,1&filter=category%3Dfruit&filter=category%3Dleaf&exact=true&ef=50';
    expect(ids(await similar('half.png', query))).toHaveLength(3);
  });

  it.each([
    ['nobody', '', 404, 'item-not-found', 'id'],
    ['half.png', '?limit=0', 422, 'invalid-option', 'limit'],
    ['half.png', '?limit=', 422, 'invalid-option', 'limit'],
    ['half.png', '?limit=1&limit=2', 422, 'invalid-option', 'limit'],
    ['half.png', '?box=1', 422, 'invalid-box', 'box'],
    ['half.png', '?filter=fruit', 422, 'invalid-option', 'filter'],
    ['half.png', '?filter=colour%3Dred', 422, 'unknown-filter-field', 'filter'],
    ['half.png', '?width=3', 422, 'invalid-option', 'width'],
  ])('answers %s%s with a problem', async (id, query, status, code, field) => {
    expectProblem(await similar(id, query), status, code, field);
  });

  it('names the item, not the path, when its stored picture is gone', async () => {
    const catalogue = fakeCatalogue(
      world.items.map((item, index) => (index === 0 ? { ...item, id: 'gone', imagePath: `${world.folder}/no` } : item)),
    );
    const app = world.withApp({ catalogue, search: createSearch({ catalogue, embedder: world.embedder }) });
    const response = await request(app.handler).get('/v1/items/gone/similar?box=0,0,1,1');
    expect(expectProblem(response, 404, 'image-missing').detail).toContain('"gone"');
  });
});

describe('a calibrated model', () => {
  const app = () => {
    const catalogue = fakeCatalogue(world.items);
    return world.withApp({ catalogue, search: createSearch({ catalogue, embedder: world.embedder, calibration }) });
  };
  const resultsOf = (response: request.Response) => searchResponseSchema.parse(response.body).results;
  const vector = [200, 10, 30];

  it('gives each result a score, nearer ones a higher one where densities are alike', async () => {
    const response = await request(app().handler).post('/v1/search').send({ vector });
    const scores = resultsOf(response).map(({ score }) => score ?? NaN);
    expect(scores).toHaveLength(world.items.length);
    for (const score of scores) expect(score).toBeGreaterThanOrEqual(0);
    expect(Math.max(...scores)).toBe(scores[0]);
    expect(scores[0]).toBeGreaterThan(scores.at(-1) ?? NaN);
  });

  it('cuts the results where the expected precision would fall below the wanted one', async () => {
    const { handler } = app();
    const all = resultsOf(await request(handler).post('/v1/search').send({ vector, limit: 100 }));
    const mean = all.slice(0, 3).reduce((sum, { score }) => sum + (score ?? NaN), 0) / 3;
    const body = { vector, limit: 'auto', precision: mean };
    const kept = resultsOf(await request(handler).post('/v1/search').send(body));
    expect(kept.length).toBeGreaterThanOrEqual(3);
    expect(kept.length).toBeLessThan(all.length);
    expect(kept).toEqual(all.slice(0, kept.length));
    const form = request(handler).post('/v1/search').attach('image', red, 'red.jpg').field('limit', 'auto');
    expect(resultsOf(await form.field('precision', '0')).length).toBe(all.length);
    const similar = await request(handler).get(itemUrl('half.png', '/similar?limit=auto&precision=0'));
    expect(resultsOf(similar)).toHaveLength(world.items.length - 1);
    const strict = await request(handler).get(itemUrl('vector only', '/similar?limit=auto&precision=1'));
    expect(resultsOf(strict)).toEqual([]);
  });
});
