import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ServerApp } from '../../src/server/app.js';
import { batchResultSchema } from '../../src/server/schemas/writes.js';
import { expectProblem } from './helpers.js';
import { createWriteWorld, listening, type WriteWorld } from './write-world.js';

let world: WriteWorld;

beforeAll(async () => {
  world = await createWriteWorld();
});
afterAll(() => world.close());
beforeEach(() => world.empty());

const textOf = (response: request.Response, done: (error: Error | null, text: string) => void): void => {
  let all = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => (all += chunk));
  response.on('end', () => done(null, all));
};
const batch = (text: string, to: ServerApp = world.app) =>
  request(to.handler)
    .post('/v1/items:batch')
    .set('content-type', 'application/x-ndjson')
    .buffer(true)
    .parse(textOf)
    .send(text);
const post = (type: string, to: ServerApp = world.app) =>
  request(to.handler).post('/v1/items:batch').set('content-type', type);
const form = (to: ServerApp = world.app) => request(to.handler).post('/v1/items:batch').buffer(true).parse(textOf);
const bare = () => request(world.app.handler).post('/v1/items:batch');
/** Says it is of this type, whatever it is. */
const cut = (type: string, body: string) => post(type).send(body);
const head = (name: string): string => `--x\r\nContent-Disposition: form-data; name="${name}"`;
const tornForm = `${head('item')}\r\n\r\n{"id":"a"}\r\n${head('image')}; filename="a"\r\n\r\nJFIF`;
const badHead = `--x\r\nContent Disposition\r\n\r\n\r\n--x--\r\n`;

/** Sends a batch in pieces over a real connection, and reads what is answered meanwhile. */
function streamed(to: ServerApp, pieces: readonly string[]): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/x-ndjson' };
  return listening(to, (port) => {
    const sent = httpRequest({ port, method: 'POST', path: '/v1/items:batch', headers });
    Readable.from(pieces).pipe(sent);
    return new Promise((resolve, reject) => {
      sent.on('error', reject).on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text })).on('error', reject);
      });
    });
  });
}
const resultsOf = (text: unknown) =>
  String(text)
    .trimEnd()
    .split('\n')
    .map((line) => batchResultSchema.strict().parse(JSON.parse(line)));

describe('POST /v1/items:batch', () => {
  it('answers each line for itself, in order', async () => {
    await world.put('old').send({ vector: [1, 0, 0] });
    const lines = [
      { id: 'v', vector: [0, 1, 0], label: 'leaf' },
      { id: 'p', image: world.red.toString('base64') },
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
    expect((await world.catalogue.scan({ limit: 10 })).items.map(({ id }) => id)).toEqual(['p', 'v']);
    expect(Array.from((await world.catalogue.embedding('v')) ?? [])).toEqual([0, 0, 1]);
  });

  it('reads more lines than are held at once', async () => {
    const lines = Array.from({ length: 300 }, (_, index) => JSON.stringify({ id: `n${index}`, vector: [1, index, 0] }));
    const results = resultsOf((await batch(lines.join('\r\n'))).body);
    expect(results.map(({ line }) => line)).toEqual(lines.map((_, index) => index + 1));
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['added']));
    expect((await world.catalogue.stats()).items).toBe(300);
  });

  it('refuses an empty batch, another content type and a line too long', async () => {
    expectProblem(
      await request(world.app.handler).post('/v1/items:batch').set('content-type', 'application/x-ndjson').send(''),
      400,
      'invalid-request',
    );
    expectProblem(await request(world.app.handler).post('/v1/items:batch').send({}), 415, 'content-type-unsupported');
    const small = world.withLimits({ bodyBytes: 1000 });
    const long = request(small.handler).post('/v1/items:batch').set('content-type', 'application/x-ndjson');
    expectProblem(await long.send(`{"id":"${'x'.repeat(400_000)}"}`), 413, 'body-too-large');
  });

  it('takes a form of items, each with its picture behind it', async () => {
    await world.put('old').send({ vector: [1, 0, 0] });
    const item = (value: unknown): string => JSON.stringify(value);
    const answer = await form()
      .field('item', item({ id: 'p', label: 'shoe', metadata: { price: 3 } }))
      .attach('image', world.red, 'anything.jpg')
      .field('item', item({ id: 'v', vector: [0, 1, 0] }))
      .field('item', item({ id: 'old', op: 'delete' }))
      .field('item', item({ id: 'q' }))
      .attach('image', Buffer.from('no picture'), 'x.png')
      .field('item', '{"id": torn')
      .attach('image', world.red, 'x.png')
      .field('item', item({ id: 'both', vector: [1, 0, 0] }))
      .attach('image', world.red, 'x.png')
      .field('item', item({ id: 'r' }))
      .attach('image', world.blue, '../../etc/passwd');
    expect(answer.status).toBe(200);
    const results = resultsOf(answer.body);
    expect(results.map(({ line, id, outcome, problem }) => [line, id, outcome, problem?.code])).toEqual([
      [1, 'p', 'added', undefined],
      [2, 'v', 'added', undefined],
      [3, 'old', 'deleted', undefined],
      [4, 'q', 'failed', 'image-unsupported'],
      [5, null, 'failed', 'invalid-json'],
      [6, 'both', 'failed', 'invalid-option'],
      [7, 'r', 'added', undefined],
    ]);
    expect(await world.catalogue.get('p')).toMatchObject({ label: 'shoe', metadata: { price: 3 }, width: 64 });
    expect(await world.nearest([0, 0, 1])).toEqual(['r', 'p', 'v']);
  });

  it('goes on in a form after a picture or an item that is too large', async () => {
    const small = world.withLimits({ bodyBytes: 1000 });
    const answer = await form(small)
      .field('item', '{"id":"a"}')
      .attach('image', Buffer.alloc(200_000), 'x.png')
      .field('item', JSON.stringify({ id: 'b', label: 'x'.repeat(300_000) }))
      .field('item', '{"id":"c"}')
      .attach('image', world.red, 'x.png');
    const results = resultsOf(answer.body);
    expect(results.map(({ id, outcome, problem }) => [id, outcome, problem?.code])).toEqual([
      ['a', 'failed', 'body-too-large'],
      [null, 'failed', 'body-too-large'],
      ['c', 'added', undefined],
    ]);
  });

  it.each([
    ['a picture without an item', () => bare().attach('image', world.red, 'x.png'), 422, 'invalid-option', 'image'],
    ['another field', () => bare().field('items', '{}'), 422, 'invalid-option', 'item'],
    [
      'another file',
      () => bare().field('item', '{"id":"a"}').attach('photo', world.red, 'x'),
      422,
      'invalid-option',
      'image',
    ],
    ['a form without a boundary', () => cut('multipart/form-data', 'x'), 400, 'invalid-request', undefined],
    ['a form cut off', () => cut('multipart/form-data; boundary=x', tornForm), 400, 'invalid-request', undefined],
    ['a malformed head', () => cut('multipart/form-data; boundary=x', badHead), 400, 'invalid-request', undefined],
    [
      'compression',
      () => post('application/x-ndjson').set('content-encoding', 'gzip'),
      415,
      'content-type-unsupported',
      undefined,
    ],
  ] as const)('refuses %s and writes nothing', async (_, send, status, code, field) => {
    expectProblem(await send(), status, code, field);
    expect((await world.catalogue.stats()).items).toBe(0);
  });

  it('bounds a whole batch', async () => {
    const small = world.withLimits({ batchBytes: 5000 });
    const text = 'x'.repeat(6000);
    expectProblem(await post('application/x-ndjson', small).send(text), 413, 'body-too-large');
    const line = `${JSON.stringify({ id: 'n', vector: [1, 0, 0] })}\n`;
    const stream = await streamed(small, [line.repeat(64), line.repeat(200)]);
    expect(resultsOf(stream.text).at(-1)).toMatchObject({ outcome: 'failed', problem: { code: 'body-too-large' } });
  });

  it('tells a client that is still sending why its batch is refused', async () => {
    const { status, text } = await streamed(
      world.app,
      Array.from({ length: 80 }, () => 'x'.repeat(1 << 20)),
    );
    expect([status, /"code":"([\w-]+)"/.exec(text)?.[1]]).toEqual([413, 'body-too-large']);
  });

  it('ends with a line that says why when it cannot go on', async () => {
    const small = world.withLimits({ bodyBytes: 1000 });
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

  it('keeps what was answered when the client goes away in the middle, and nothing of what was not whole', async () => {
    await listening(world.app, async (port) => {
      const socket = connect(port, '127.0.0.1');
      const line = `${JSON.stringify({ id: 'kept', vector: [1, 0, 0] })}\n`.repeat(32);
      // The last line could be read as it is, had it an end.
      const chunk = `${line}${JSON.stringify({ id: 'torn', vector: [1, 0, 0] })}`;
      socket.write('POST /v1/items:batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n');
      socket.write(`Transfer-Encoding: chunked\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n`);
      await new Promise((resolve) => socket.once('data', resolve));
      socket.destroy();
      await new Promise((resolve) => socket.once('close', resolve));
    });
    expect(await world.catalogue.get('kept')).not.toBeNull();
    expect((await world.put('after').send({ vector: [0, 1, 0] })).status).toBe(201);
    expect(await world.catalogue.get('torn')).toBeNull();
  });
});
