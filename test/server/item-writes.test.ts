import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBlobStore } from '../../src/indexing/blobs.js';
import { openEmbeddedCatalogue, type EmbeddedCatalogue } from '../../src/indexing/embedded/embedded-catalogue.js';
import { createItemWriter } from '../../src/indexing/item-writer.js';
import { createSearch } from '../../src/search/search.js';
import type { ServerApp } from '../../src/server/app.js';
import { batchResultSchema } from '../../src/server/routes/item-batch.js';
import { writeResponseSchema } from '../../src/server/schemas/writes.js';
import { fakeEmbedder, type FakeEmbedder } from './fakes.js';
import { createWorld, expectProblem, itemUrl, model, picture, type World } from './helpers.js';

let world: World;
let root: string;
let catalogue: EmbeddedCatalogue;
let embedder: FakeEmbedder;
let embedded: number;
let app: ServerApp;
let red: Buffer;
let blue: Buffer;

beforeAll(async () => {
  world = await createWorld();
  [red, blue] = await Promise.all([picture([200, 10, 30]), picture([10, 20, 220])]);
  root = await mkdtemp(join(tmpdir(), 'kindred-writes-'));
  const { fingerprint, dimension } = model;
  const create = { fingerprint, dimension };
  catalogue = await openEmbeddedCatalogue({ folder: root, create, imageRoot: root });
  const fake = fakeEmbedder();
  embedder = {
    ...fake,
    hold: () => fake.hold(),
    pending: 0,
    embed: (requests) => {
      embedded += requests.length;
      return fake.embed(requests);
    },
  };
  const search = createSearch({ catalogue, embedder });
  const writes = createItemWriter({ catalogue, embedder, blobs: createBlobStore(root) });
  app = world.withApp({ search, catalogue, writes });
});
afterAll(async () => {
  await catalogue.close();
  await world.close();
  await rm(root, { recursive: true });
});
beforeEach(async () => {
  embedded = 0;
  const { items } = await catalogue.scan({ limit: 1000 });
  await catalogue.delete(items.map(({ id }) => id));
});

const put = (id: string) => request(app.handler).put(itemUrl(id));
const remove = (id: string) => request(app.handler).delete(itemUrl(id));
const get = (path: string) => request(app.handler).get(path);
const batch = (text: string, to: ServerApp = app) =>
  request(to.handler)
    .post('/v1/items:batch')
    .set('content-type', 'application/x-ndjson')
    .buffer(true)
    .parse((response, done) => {
      let all = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (all += chunk));
      response.on('end', () => done(null, all));
    })
    .send(text);
const resultsOf = (text: unknown) =>
  String(text)
    .trimEnd()
    .split('\n')
    .map((line) => batchResultSchema.strict().parse(JSON.parse(line)));
const outcomeOf = ({ body }: request.Response) => writeResponseSchema.parse(body).outcome;
const nearest = async (vector: readonly number[]): Promise<(string | undefined)[]> => {
  const answer = await request(app.handler).post('/v1/search').send({ vector, limit: 5 });
  return writeIds(answer.body);
};
const writeIds = (body: unknown): string[] =>
  typeof body === 'object' && body !== null && 'results' in body && Array.isArray(body.results)
    ? body.results.map((result: { id: string }) => result.id)
    : [];

describe('PUT /v1/items/:id', () => {
  it('adds a picture that the next search finds, with label, metadata and the stored file', async () => {
    const id = 'shoes/red 1.png';
    const added = await put(id).attach('image', red, 'x.png').field('label', 'shoe').field('metadata', '{"price":3}');
    expect(added.status).toBe(201);
    const { outcome, item } = writeResponseSchema.strict().parse(added.body);
    expect([outcome, item.id, item.label, item.metadata, item.width]).toEqual(['added', id, 'shoe', { price: 3 }, 64]);
    expect(await nearest([1, 0, 0])).toEqual([id]);
    const image = await get(itemUrl(id, '/image'));
    expect(Buffer.compare(Buffer.from(image.body), red)).toBe(0);
    const [shard = ''] = await readdir(join(root, 'blobs'));
    const [name = ''] = await readdir(join(root, 'blobs', shard));
    expect(await readFile(join(root, 'blobs', shard, name))).toEqual(red);
  });

  it('does nothing for the same again, not even an embedding', async () => {
    await put('a').attach('image', red, 'x.png');
    expect(embedded).toBe(1);
    const again = await put('a').attach('image', red, 'x.png');
    expect([again.status, outcomeOf(again), embedded]).toEqual([200, 'unchanged', 1]);
    const other = await put('a').attach('image', red, 'x.png').field('label', 'shoe');
    expect([outcomeOf(other), embedded]).toEqual(['replaced', 1]);
    const changed = await put('a').attach('image', blue, 'x.png');
    expect([outcomeOf(changed), embedded]).toEqual(['replaced', 2]);
    expect(await nearest([0, 0, 1])).toEqual(['a']);
  });

  it('takes a vector, base64, or label and metadata alone', async () => {
    expect((await put('v').send({ vector: [0, 0, 5], label: 'sky' })).body).toMatchObject({
      item: { label: 'sky', image: null },
    });
    expect((await put('b').send({ image: red.toString('base64') })).status).toBe(201);
    const kept = await put('b').send({ metadata: { price: 4 } });
    expect(kept.body).toMatchObject({ outcome: 'replaced', item: { metadata: { price: 4 }, width: 64 } });
    expect(embedded).toBe(1);
    expectProblem(await put('unknown').send({ label: 'x' }), 404, 'item-not-found', 'id');
  });

  it('keeps to If-Match and If-None-Match', async () => {
    const first = await put('c')
      .set('If-None-Match', '*')
      .send({ vector: [1, 0, 0] });
    const etag = String(first.headers['etag']);
    expect(first.status).toBe(201);
    expect((await get(itemUrl('c'))).headers['etag']).toBe(etag);
    expect((await get(itemUrl('c')).set('If-None-Match', etag)).status).toBe(304);
    expectProblem(
      await put('c')
        .set('If-None-Match', '*')
        .send({ vector: [0, 1, 0] }),
      412,
      'precondition-failed',
      'If-None-Match',
    );
    const second = await put('c')
      .set('If-Match', etag)
      .send({ vector: [0, 1, 0] });
    expect(second.status).toBe(200);
    expectProblem(
      await put('c')
        .set('If-Match', etag)
        .send({ vector: [0, 0, 1] }),
      412,
      'precondition-failed',
      'If-Match',
    );
    expectProblem(await remove('c').set('If-Match', etag), 412, 'precondition-failed', 'If-Match');
    expectProblem(
      await put('d')
        .set('If-Match', '*')
        .send({ vector: [0, 0, 1] }),
      412,
      'precondition-failed',
      'If-Match',
    );
    expect((await remove('c').set('If-Match', String(second.headers['etag']))).status).toBe(204);
    expectProblem(
      await put('c')
        .set('If-Match', 'W/"x"')
        .send({ vector: [1, 0, 0] }),
      400,
      'invalid-request',
      'If-Match',
    );
  });

  it.each([
    ['both contents', { image: 'aGk=', vector: [1, 0, 0] }, 422, 'invalid-vector', 'vector'],
    ['nested metadata', { vector: [1, 0, 0], metadata: { a: { b: 1 } } }, 422, 'invalid-option', 'metadata'],
    ['too much metadata', { vector: [1, 0, 0], metadata: { a: 'x'.repeat(5000) } }, 422, 'invalid-option', 'metadata'],
    ['a short vector', { vector: [1, 0] }, 422, 'invalid-vector', 'vector'],
    ['a vector of zeros', { vector: [0, 0, 0] }, 422, 'invalid-vector', 'vector'],
    ['an unknown field', { vector: [1, 0, 0], path: '/etc/passwd' }, 422, 'invalid-option', 'path'],
    [
      'a field name too long',
      { vector: [1, 0, 0], metadata: { ['x'.repeat(129)]: 1 } },
      422,
      'invalid-option',
      'metadata',
    ],
    ['a list as metadata', { vector: [1, 0, 0], metadata: [1] }, 422, 'invalid-option', 'metadata'],
    ['a long label', { vector: [1, 0, 0], label: 'x'.repeat(513) }, 422, 'invalid-option', 'label'],
    ['no picture at all', { image: 'aGVsbG8=' }, 415, 'image-unsupported', undefined],
  ] as const)('refuses %s and writes nothing', async (_, body, status, code, field) => {
    expectProblem(await put('bad').send(body), status, code, field);
    expect(await catalogue.get('bad')).toBeNull();
  });

  it('names the rule that metadata breaks', async () => {
    const detailOf = async (metadata: unknown): Promise<string> => {
      const answer = await put('bad').send({ vector: [1, 0, 0], metadata });
      return expectProblem(answer, 422, 'invalid-option', 'metadata').detail;
    };
    const wide = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`field ${n}`, 'x'.repeat(300)]));
    expect(await detailOf(wide)).toBe('metadata must be at most 16384 bytes as JSON');
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`${n}`, n]));
    expect(await detailOf(many)).toBe('metadata must have at most 64 fields');
    expect(await detailOf({ a: { b: 1 } })).toBe('metadata.a must be a text, a number, true or false');
    expect(await detailOf({ a: 'x'.repeat(5000) })).toBe('metadata.a must be at most 4096 characters');
    expect((await detailOf({ ['x'.repeat(5000)]: 1 })).length).toBeLessThan(300);
  });

  it('stores JPEG, PNG, WebP and AVIF alone, and says what to do with a photo from a phone', async () => {
    for (const format of ['jpeg', 'png', 'webp', 'avif'] as const) {
      const image = await sharp(red).toFormat(format).toBuffer();
      expect((await put(`as ${format}`).attach('image', image, 'x')).status).toBe(201);
    }
    const gif = await sharp(red).gif().toBuffer();
    const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic'), red]);
    for (const [image, words] of [
      [gif, 'Convert it to JPEG, PNG, WebP or AVIF.'],
      [heic, 'Phones can save JPEG instead, or convert it to JPEG, PNG, WebP or AVIF.'],
    ] as const) {
      const answer = await put('bad').attach('image', image, 'x.jpg');
      expect(expectProblem(answer, 415, 'image-unsupported').hint).toBe(words);
      const [result] = resultsOf((await batch(JSON.stringify({ id: 'bad', image: image.toString('base64') }))).body);
      expect(result?.problem?.code).toBe('image-unsupported');
    }
    expect(await catalogue.get('bad')).toBeNull();
  });

  it('takes a picture alone as the body, with the rest in the query', async () => {
    const alone = (query: string, to = itemUrl('alone')) =>
      request(app.handler).put(`${to}${query}`).set('content-type', 'image/png').send(red);
    const added = await alone('?label=shoe&metadata=%7B%22price%22%3A3%7D');
    expect(added.body).toMatchObject({ outcome: 'added', item: { label: 'shoe', metadata: { price: 3 }, width: 64 } });
    expectProblem(await alone('?colour=red'), 422, 'invalid-option', 'colour');
    const inQuery = request(app.handler).put(`${itemUrl('v')}?label=x`);
    expectProblem(await inQuery.send({ vector: [1, 0, 0] }), 422, 'invalid-option', 'label');
  });

  it('refuses ids that are none, and writes where they are not allowed', async () => {
    expectProblem(await put('x'.repeat(513)).send({ vector: [1, 0, 0] }), 400, 'invalid-request', 'id');
    expectProblem(await put('a\u0001').send({ vector: [1, 0, 0] }), 400, 'invalid-request', 'id');
    const closed = world.withApp({});
    expectProblem(
      await request(closed.handler)
        .put('/v1/items/a')
        .send({ vector: [1, 0, 0] }),
      403,
      'writes-disabled',
    );
    expectProblem(await request(closed.handler).delete('/v1/items/a'), 403, 'writes-disabled');
    expectProblem(await request(closed.handler).post('/v1/items:batch').send('{}'), 403, 'writes-disabled');
  });
});

describe('DELETE /v1/items/:id', () => {
  it('deletes what no search finds from then on, once', async () => {
    await put('e').send({ vector: [1, 0, 0] });
    expect((await remove('e')).status).toBe(204);
    expect(await nearest([1, 0, 0])).toEqual([]);
    expectProblem(await remove('e'), 404, 'item-not-found', 'id');
  });
});

describe('POST /v1/items:batch', () => {
  it('answers each line for itself, in order', async () => {
    await put('old').send({ vector: [1, 0, 0] });
    const lines = [
      { id: 'v', vector: [0, 1, 0], label: 'leaf' },
      { id: 'p', image: red.toString('base64') },
      { id: 'w', vector: [1] },
      { id: 'old', op: 'delete' },
      { id: 'gone', op: 'delete' },
      { id: 'v', vector: [0, 0, 1] },
      { id: 'v', op: 'delete', label: 'x' },
    ].map((line) => JSON.stringify(line));
    const answer = await batch(`${lines.join('\n')}\n\n{"id":"torn`);
    expect(answer.status).toBe(200);
    const results = resultsOf(answer.body);
    expect(results.map(({ line, id, outcome, problem }) => [line, id, outcome, problem?.code])).toEqual([
      [1, 'v', 'added', undefined],
      [2, 'p', 'added', undefined],
      [3, 'w', 'failed', 'invalid-vector'],
      [4, 'old', 'deleted', undefined],
      [5, 'gone', 'failed', 'item-not-found'],
      [6, 'v', 'replaced', undefined],
      [7, 'v', 'failed', 'invalid-option'],
      [8, null, 'failed', 'invalid-json'],
    ]);
    expect((await catalogue.scan({ limit: 10 })).items.map(({ id }) => id)).toEqual(['p', 'v']);
    expect(Array.from((await catalogue.embedding('v')) ?? [])).toEqual([0, 0, 1]);
  });

  it('reads more lines than are held at once', async () => {
    const lines = Array.from({ length: 300 }, (_, index) => JSON.stringify({ id: `n${index}`, vector: [1, index, 0] }));
    const results = resultsOf((await batch(lines.join('\r\n'))).body);
    expect(results.map(({ line }) => line)).toEqual(lines.map((_, index) => index + 1));
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['added']));
    expect((await catalogue.stats()).items).toBe(300);
  });

  it('refuses an empty batch, another content type and a line too long', async () => {
    expectProblem(
      await request(app.handler).post('/v1/items:batch').set('content-type', 'application/x-ndjson').send(''),
      400,
      'invalid-request',
    );
    expectProblem(await request(app.handler).post('/v1/items:batch').send({}), 415, 'content-type-unsupported');
    const small = world.withApp({
      catalogue,
      writes: createItemWriter({ catalogue, embedder, blobs: null }),
      limits: { bodyBytes: 1000 },
    });
    const long = request(small.handler).post('/v1/items:batch').set('content-type', 'application/x-ndjson');
    expectProblem(await long.send(`{"id":"${'x'.repeat(400_000)}"}`), 413, 'body-too-large');
  });

  it('ends with a line that says why when it cannot go on', async () => {
    const writes = createItemWriter({ catalogue, embedder, blobs: null });
    const small = world.withApp({ catalogue, writes, limits: { bodyBytes: 1000 } });
    const lines = Array.from({ length: 32 }, (_, index) => JSON.stringify({ id: `n${index}`, vector: [1, index, 0] }));
    const results = resultsOf((await batch(`${lines.join('\n')}\n${'x'.repeat(400_000)}`, small)).body);
    expect(results.length).toBe(33);
    expect(results.at(-1)).toMatchObject({
      line: 33,
      id: null,
      outcome: 'failed',
      problem: { code: 'body-too-large' },
    });
  });

  it('keeps what was answered when the client goes away in the middle', async () => {
    const server = createServer(app.handler).listen(0);
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const socket = connect(port, '127.0.0.1');
    const line = `${JSON.stringify({ id: 'kept', vector: [1, 0, 0] })}\n`.repeat(32);
    socket.write(
      `POST /v1/items:batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    socket.write(`${line.length.toString(16)}\r\n${line}\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    expect(await catalogue.get('kept')).not.toBeNull();
    await new Promise((resolve) => server.close(resolve));
    expect((await put('after').send({ vector: [0, 1, 0] })).status).toBe(201);
  });
});
