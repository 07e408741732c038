import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from '../../src/server/start.js';
import { createWorld, expectProblem, picture, type World } from './helpers.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  // Whatever came in: the server goes on.
  expect((await request(world.app.handler).get('/v1/items/half.png/similar')).status).toBe(200);
});

const upload = (bytes: Buffer, name: string, app = world.app) =>
  request(app.handler).post('/v1/search').attach('image', bytes, name);

function crc32(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** A PNG whose header claims a size that its few bytes do not hold. */
function pngBomb(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const svg = Buffer.from(
  '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect/></svg>',
);

describe('pictures that are none', () => {
  it.each([
    ['a bomb of 30000 × 30000', pngBomb(30_000, 30_000), 'bomb.png', 422, 'image-too-large'],
    ['an SVG called .png', svg, 'a.png', 415, 'image-unsupported'],
    ['text called .jpg', Buffer.from('hello'), 'a.jpg', 415, 'image-unsupported'],
    ['HTML', Buffer.from('<!doctype html><script>1</script>'), 'a.webp', 415, 'image-unsupported'],
    ['a PDF', Buffer.from('%PDF-1.7 and more'), 'a.png', 415, 'image-unsupported'],
    ['a TIFF', Buffer.from('II*\0aaaaaaaaaaaaaaaa'), 'a.jpg', 415, 'image-unsupported'],
    ['a JPEG that ends after its signature', Buffer.from('ffd8ffe0', 'hex'), 'a.jpg', 422, 'image-unreadable'],
    ['a PNG that holds less than it claims', pngBomb(500, 500), 'a.png', 422, 'image-unreadable'],
  ] as const)('%s', async (_what, bytes, name, status, code) => {
    expectProblem(await upload(bytes, name), status, code);
    const sent = request(world.app.handler)
      .post('/v1/embed')
      .send({ image: bytes.toString('base64') });
    expectProblem(await sent, status, code);
  });

  it('0 bytes', async () => {
    expectProblem(await upload(Buffer.alloc(0), 'a.png'), 422, 'image-unreadable', 'image');
  });

  it('a truncated JPEG', async () => {
    const whole = await picture([1, 2, 3], [200, 100, 50], 'jpeg');
    expectProblem(await upload(whole.subarray(0, whole.length * 0.6), 'a.jpg'), 422, 'image-unreadable');
  });

  it('never reach the embedder when their header tells', async () => {
    const release = world.embedder.hold(); // an embedder that would never answer
    expectProblem(await upload(pngBomb(30_000, 30_000), 'a.png'), 422, 'image-too-large');
    expectProblem(await upload(svg, 'a.png'), 415, 'image-unsupported');
    release();
  });

  it('random bytes after a signature', async () => {
    const signatures = ['ffd8ff', '89504e470d0a1a0a', '474946383961', '52494646ffffffff57454250'];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...signatures), fc.uint8Array({ maxLength: 300 }), async (start, rest) => {
        const response = await upload(Buffer.concat([Buffer.from(start, 'hex'), rest]), 'a');
        expect([415, 422]).toContain(response.status);
        expect(response.headers['content-type']).toMatch(/problem\+json/);
      }),
      { numRuns: 40 },
    );
  });
});

describe('bodies beyond the limit', () => {
  const large = Buffer.alloc(50_000, 65);
  const body = JSON.stringify({ image: large.toString() });
  const small = () => world.withApp({ limits: { bodyBytes: 10_000 } });

  it('as an upload or as JSON', async () => {
    expectProblem(await upload(large, 'a.png', small()), 413, 'body-too-large');
    const post = request(small().handler).post('/v1/search').set('content-type', 'application/json');
    expectProblem(await post.send(body), 413, 'body-too-large');
  });

  it('that only grow when they are unpacked', async () => {
    const server = await startServer(small(), { host: '127.0.0.1', port: 0 });
    const zipped = gzipSync(body);
    expect(zipped.length).toBeLessThan(10_000);
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const response = await fetch(`${server.url}/v1/search`, { method: 'POST', headers, body: Uint8Array.from(zipped) });
    expect([response.status, await response.json()]).toMatchObject([413, { code: 'body-too-large' }]);
    await server.close();
  });
});

describe('JSON meant to hurt', () => {
  const post = (text: string) =>
    request(world.app.handler).post('/v1/search').set('content-type', 'application/json').send(text);

  it('nested a million deep', async () => {
    expectProblem(await post('['.repeat(1e6)), 400, 'invalid-request');
    expectProblem(
      await post('{"id":"a","filter":' + '{"a":'.repeat(1e5) + '1' + '}'.repeat(1e5) + '}'),
      400,
      'invalid-request',
    );
  });

  it('nested less deep than that', async () => {
    expectProblem(
      await post(`{"id":"a","filter":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`),
      400,
      'invalid-request',
    );
    expectProblem(
      await post(`{"id":"a","filter":{"a":${'['.repeat(20)}${']'.repeat(20)}}}`),
      422,
      'invalid-option',
      'filter',
    );
    expectProblem(await post('['.repeat(20_000)), 400, 'invalid-json');
  });

  it('of a million numbers', async () => {
    expectProblem(await post(`{"vector":[${'1,'.repeat(1e6)}1]}`), 400, 'invalid-request');
  });

  it('with keys that touch prototypes', async () => {
    expectProblem(await post('{"id":"half.png","filter":{"__proto__":"x"}}'), 400, 'invalid-request');
    expectProblem(await post('{"id":"half.png","filter":{"\\u005f_proto__":"x"}}'), 400, 'invalid-request');
    expectProblem(await post('{"id":"half.png","filter":{"constructor":"x"}}'), 422, 'unknown-filter-field', 'filter');
  });

  it('of any shape', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 4 }), async (text) => {
        const response = await post(text);
        expect([400, 422]).toContain(response.status);
        expect(response.headers['content-type']).toMatch(/problem\+json/);
      }),
      { numRuns: 60 },
    );
  });
});

describe('multipart meant to hurt', () => {
  const raw = (body: string, type = 'multipart/form-data; boundary=x') =>
    request(world.app.handler).post('/v1/search').set('content-type', type).send(body);

  it('without a boundary, cut off, or with nonsense for headers', async () => {
    expectProblem(await raw('--x', 'multipart/form-data'), 400, 'invalid-request');
    expectProblem(
      await raw('--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc'),
      400,
      'invalid-request',
    );
    expectProblem(await raw('nonsense'), 400, 'invalid-request');
  });

  it('with a hundred fields, or a field of a megabyte', async () => {
    const many = request(world.app.handler).post('/v1/search');
    for (let i = 0; i < 100; i++) many.field(`f${i}`, 'x');
    expectProblem(await many, 400, 'invalid-request');
    const long = request(world.app.handler).post('/v1/search').field('filter', 'x'.repeat(1e6));
    expectProblem(await long, 422, 'invalid-option', 'filter');
  });

  it('with a file name that is a path', async () => {
    const red = await picture([200, 10, 30]);
    expect((await upload(red, '../../etc/passwd')).status).toBe(200);
  });
});

it('ids and queries of any characters get an answer in the right form', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1 }), async (text) => {
      const encoded = encodeURIComponent(text);
      if (encoded === '.' || encoded === '..') return;
      const item = await request(world.app.handler).get(`/v1/items/${encoded}`);
      expectProblem(item, 404, 'item-not-found', 'id');
      const list = await request(world.app.handler).get(`/v1/items?filter=${encoded}`);
      expect([200, 422]).toContain(list.status);
    }),
    { numRuns: 60 },
  );
});
