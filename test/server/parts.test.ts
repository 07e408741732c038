import { createServer } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KindredError } from '../../src/core/errors.js';
import { createByteCache } from '../../src/server/byte-cache.js';
import { createLimiter } from '../../src/server/limiter.js';
import { describeModel } from '../../src/server/model-info.js';
import { normalFilter } from '../../src/indexing/item-filter.js';
import { toFilter } from '../../src/server/schemas/filter.js';
import { parseBoxText, parseConditions, parseFilterText } from '../../src/server/schemas/query-text.js';
import { startServer } from '../../src/server/start.js';
import { createWorld, picture, type World } from './helpers.js';

const field = fc.string({ minLength: 1 }).filter((text) => !/[=<>!{]/.test(text));

describe('conditions as text', () => {
  it('come back as they were written, values of one field as alternatives', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ field, value: fc.string() })), (wanted) => {
        const fields = [...new Set(wanted.map((one) => one.field))];
        expect(parseConditions(wanted.map((one) => `${one.field}=${one.value}`))).toEqual({
          and: fields.map((name) => ({
            field: name,
            in: wanted.filter((one) => one.field === name).map(({ value }) => value),
          })),
        });
      }),
    );
  });

  it('say the same as the JSON form', () => {
    expect(parseFilterText('{"a":["1","2"],"b":"x=y"}')).toEqual(parseConditions(['a=1', 'b=x=y', 'a=2']));
    expect(toFilter({ price: 3, used: false })).toEqual({
      and: [
        { field: 'price', in: [3] },
        { field: 'used', in: [false] },
      ],
    });
    const texts = ['price>=10', 'price<20.5', '!colour=red', 'shop!=N', '!size>3', 'a=b'];
    const json = {
      a: 'b',
      $and: [
        { price: { gte: '10' } },
        { price: { lt: '20.5' } },
        { colour: { not: 'red' } },
        { shop: { not: ['N'] } },
        { $not: { size: { gt: '3' } } },
      ],
    };
    expect(normalFilter(parseConditions(texts))).toEqual(normalFilter(toFilter(json)));
    expect(normalFilter(parseConditions([JSON.stringify(json)]))).toEqual(normalFilter(toFilter(json)));
  });

  it.each(['', '=', '=x', 'x', '>=5', '!', '!=x', '<'])('refuse %j', (text) => {
    expect(() => parseConditions([text])).toThrow(KindredError);
  });

  it.each([
    ['{"a": {}}', 'invalid-option'],
    ['{"a": {"gte": true}}', 'invalid-option'],
    ['{"a": {"like": "b"}}', 'invalid-option'],
    ['{"$and": []}', 'invalid-option'],
    ['{"$or": {"a": 1}}', 'invalid-option'],
    ['{"a": null}', 'invalid-option'],
    ['{', 'invalid-json'],
    [`${'{"$not":'.repeat(5000)}{"a":1}${'}'.repeat(5000)}`, 'invalid-request'],
  ])('refuse the JSON %j', (text, code) => {
    expect(() => parseFilterText(text)).toThrow(expect.objectContaining({ code, field: 'filter' }));
  });
});

describe('a box as text', () => {
  const fraction = fc.double({ min: 0, max: 0.5, noNaN: true });
  const size = fc.double({ min: 0.001, max: 0.5, noNaN: true });

  it('comes back as it was written, in either form', () => {
    fc.assert(
      fc.property(fraction, fraction, size, size, (x, y, w, h) => {
        expect(parseBoxText(`${x},${y}, ${w},${h}`)).toEqual({ x, y, w, h });
        expect(parseBoxText(JSON.stringify({ x, y, w, h }))).toEqual({ x: x + 0, y: y + 0, w, h });
      }),
    );
  });

  it('is one, or refused with a code', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          const { x, y, w, h } = parseBoxText(text);
          expect(Math.min(w, h)).toBeGreaterThan(0);
          expect(Math.max(x + w, y + h)).toBeLessThanOrEqual(1.0001);
        } catch (error) {
          expect(error).toBeInstanceOf(KindredError);
        }
      }),
    );
  });
});

describe('the byte cache', () => {
  it('never holds more than it may, and keeps what was used last', () => {
    const cache = createByteCache(10);
    cache.set('a', Buffer.alloc(4));
    cache.set('b', Buffer.alloc(4));
    cache.get('a');
    cache.set('c', Buffer.alloc(4));
    expect([cache.get('a')?.length, cache.get('b'), cache.get('c')?.length]).toEqual([4, undefined, 4]);
    cache.set('huge', Buffer.alloc(11));
    expect([cache.get('huge'), cache.bytes]).toEqual([undefined, 8]);
  });

  it('counts its bytes right, whatever is put in', () => {
    const entries = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), size: fc.nat(20) }));
    fc.assert(
      fc.property(entries, (puts) => {
        const cache = createByteCache(30);
        for (const { key, size } of puts) {
          cache.set(key, Buffer.alloc(size));
          expect(cache.get(key)?.length).toBe(size);
          const held = ['a', 'b', 'c', 'd'].reduce((sum, name) => sum + (cache.get(name)?.length ?? 0), 0);
          expect(cache.bytes).toBe(held);
          expect(held).toBeLessThanOrEqual(30);
        }
      }),
    );
  });
});

describe('the limiter', () => {
  it('runs so many at a time, in order, and turns away what is beyond its queue', async () => {
    const limiter = createLimiter({ what: 'things', running: 2, waiting: 1 });
    const started: number[] = [];
    const releases: (() => void)[] = [];
    const run = (n: number) =>
      limiter.run(() => {
        started.push(n);
        return new Promise<number>((resolve) => releases.push(() => resolve(n)));
      });
    const [one, two, three] = [run(1), run(2), run(3)];
    await expect(run(4)).rejects.toMatchObject({ code: 'overloaded' });
    expect(started).toEqual([1, 2]);
    releases[0]?.();
    expect(await one).toBe(1);
    await new Promise(setImmediate);
    expect(started).toEqual([1, 2, 3]);
    releases[1]?.();
    releases[2]?.();
    expect(await Promise.all([two, three])).toEqual([2, 3]);
  });

  it('gives the place back when the work fails', async () => {
    const limiter = createLimiter({ what: 'things', running: 1, waiting: 0 });
    for (let i = 0; i < 3; i++) {
      await expect(limiter.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    }
    expect(await limiter.run(() => Promise.resolve(1))).toBe(1);
  });
});

describe('what a bundle says of itself', () => {
  const least = { fingerprint: 'f', dimension: 128, inputSize: 96 };

  it('is taken leniently', () => {
    expect(
      describeModel({
        ...least,
        backbone: { name: 'mobilenet-v1', cut: 'x' },
        loss: 'triplet',
        metrics: { 'recall@1': 0.9, split: 'test' },
      }),
    ).toEqual({
      ...least,
      backbone: 'mobilenet-v1',
      loss: 'triplet',
      densityTerm: null,
      metrics: { 'recall@1': 0.9 },
      dataset: null,
      madeBy: null,
    });
    expect(describeModel(least)).toMatchObject({ backbone: 'unknown', metrics: {} });
  });

  it('must name the model', () => {
    expect(() => describeModel({ dimension: 128 })).toThrow();
  });
});

describe('startServer', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.close());

  it('listens, and lets the answers under way out before it closes', async () => {
    const server = await startServer(world.withApp({}), { host: '127.0.0.1', port: 0 });
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    const release = world.embedder.hold();
    const body = new FormData();
    body.set('image', new Blob([Uint8Array.from(await picture([200, 10, 30]))]));
    const answer = fetch(`${server.url}/v1/search`, { method: 'POST', body });
    while (world.embedder.pending < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    let closed = false;
    const closing = server.close().then(() => (closed = true));
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
    expect(closed).toBe(false);
    release();
    expect((await answer).status).toBe(200);
    await closing;
  });

  it('cuts what is not done in time', async () => {
    const server = await startServer(world.withApp({}), { host: '127.0.0.1', port: 0 });
    const release = world.embedder.hold();
    const body = new FormData();
    body.set('image', new Blob([Uint8Array.from(await picture([200, 10, 30]))]));
    const answer = fetch(`${server.url}/v1/search`, { method: 'POST', body });
    const failed = expect(answer).rejects.toThrow();
    while (world.embedder.pending < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    await server.close({ graceMs: 20 });
    await failed;
    release();
  });

  it('says which port is taken and what to do', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await expect(startServer(world.app, { host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'port-in-use',
      message: `port ${port} on 127.0.0.1 is taken by another program`,
      hint: 'Choose another with --port, or stop what listens there.',
    });
    other.close();
  });

  it('says when the host is not of this machine', async () => {
    await expect(startServer(world.app, { host: '192.0.2.1', port: 0 })).rejects.toMatchObject({
      code: 'invalid-option',
      field: '--host',
    });
  });
});
