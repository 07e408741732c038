import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import request from 'supertest';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeResponseSchema } from '../../src/server/schemas/writes.js';
import { expectProblem, itemUrl } from './helpers.js';
import { createWriteWorld, listening, type WriteWorld } from './write-world.js';

let world: WriteWorld;

beforeAll(async () => {
  world = await createWriteWorld();
});
afterAll(() => world.close());
beforeEach(() => world.empty());

const outcomeOf = ({ body }: request.Response) => writeResponseSchema.parse(body).outcome;

describe('PUT /v1/items/:id', () => {
  it('adds a picture that the next search finds, with label, metadata and the stored file', async () => {
    const id = 'shoes/red 1.png';
    const added = await world
      .put(id)
      .attach('image', world.red, 'x.png')
      .field('label', 'shoe')
      .field('metadata', '{"price":3}');
    expect(added.status).toBe(201);
    const { outcome, item } = writeResponseSchema.strict().parse(added.body);
    expect([outcome, item.id, item.label, item.metadata, item.width]).toEqual(['added', id, 'shoe', { price: 3 }, 64]);
    expect(await world.nearest([1, 0, 0])).toEqual([id]);
    const image = await world.get(itemUrl(id, '/image'));
    expect(Buffer.compare(Buffer.from(image.body), world.red)).toBe(0);
    const [shard = ''] = await readdir(join(world.root, 'blobs'));
    const [name = ''] = await readdir(join(world.root, 'blobs', shard));
    expect(await readFile(join(world.root, 'blobs', shard, name))).toEqual(world.red);
  });

  it('does nothing for the same again, not even an embedding', async () => {
    await world.put('a').attach('image', world.red, 'x.png');
    expect(world.embedded()).toBe(1);
    const again = await world.put('a').attach('image', world.red, 'x.png');
    expect([again.status, outcomeOf(again), world.embedded()]).toEqual([200, 'unchanged', 1]);
    const other = await world.put('a').attach('image', world.red, 'x.png').field('label', 'shoe');
    expect([outcomeOf(other), world.embedded()]).toEqual(['replaced', 1]);
    const changed = await world.put('a').attach('image', world.blue, 'x.png');
    expect([outcomeOf(changed), world.embedded()]).toEqual(['replaced', 2]);
    expect(await world.nearest([0, 0, 1])).toEqual(['a']);
  });

  it('takes a vector, base64, or label and metadata alone', async () => {
    expect((await world.put('v').send({ vector: [0, 0, 5], label: 'sky' })).body).toMatchObject({
      item: { label: 'sky', image: null },
    });
    expect((await world.put('b').send({ image: world.red.toString('base64') })).status).toBe(201);
    const kept = await world.put('b').send({ metadata: { price: 4 } });
    expect(kept.body).toMatchObject({ outcome: 'replaced', item: { metadata: { price: 4 }, width: 64 } });
    expect(world.embedded()).toBe(1);
    expectProblem(await world.put('unknown').send({ label: 'x' }), 404, 'item-not-found', 'id');
  });

  it('keeps to If-Match and If-None-Match', async () => {
    const first = await world
      .put('c')
      .set('If-None-Match', '*')
      .send({ vector: [1, 0, 0] });
    const etag = String(first.headers['etag']);
    expect(first.status).toBe(201);
    expect((await world.get(itemUrl('c'))).headers['etag']).toBe(etag);
    expect((await world.get(itemUrl('c')).set('If-None-Match', etag)).status).toBe(304);
    expectProblem(
      await world
        .put('c')
        .set('If-None-Match', '*')
        .send({ vector: [0, 1, 0] }),
      412,
      'precondition-failed',
      'If-None-Match',
    );
    const second = await world
      .put('c')
      .set('If-Match', etag)
      .send({ vector: [0, 1, 0] });
    expect(second.status).toBe(200);
    expectProblem(
      await world
        .put('c')
        .set('If-Match', etag)
        .send({ vector: [0, 0, 1] }),
      412,
      'precondition-failed',
      'If-Match',
    );
    expectProblem(await world.remove('c').set('If-Match', etag), 412, 'precondition-failed', 'If-Match');
    expectProblem(
      await world
        .put('d')
        .set('If-Match', '*')
        .send({ vector: [0, 0, 1] }),
      412,
      'precondition-failed',
      'If-Match',
    );
    expect((await world.remove('c').set('If-Match', String(second.headers['etag']))).status).toBe(204);
    expectProblem(
      await world
        .put('c')
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
    expectProblem(await world.put('bad').send(body), status, code, field);
    expect(await world.catalogue.get('bad')).toBeNull();
  });

  it('names the rule that metadata breaks', async () => {
    const detailOf = async (metadata: unknown): Promise<string> => {
      const answer = await world.put('bad').send({ vector: [1, 0, 0], metadata });
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
      const image = await sharp(world.red).toFormat(format).toBuffer();
      expect((await world.put(`as ${format}`).attach('image', image, 'x')).status).toBe(201);
    }
    const gif = await sharp(world.red).gif().toBuffer();
    const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic'), world.red]);
    for (const [image, words] of [
      [gif, 'Convert it to JPEG, PNG, WebP or AVIF.'],
      [heic, 'Phones can save JPEG instead, or convert it to JPEG, PNG, WebP or AVIF.'],
    ] as const) {
      const answer = await world.put('bad').attach('image', image, 'x.jpg');
      expect(expectProblem(answer, 415, 'image-unsupported').hint).toBe(words);
      const encoded = { image: image.toString('base64') };
      expectProblem(await world.put('bad').send(encoded), 415, 'image-unsupported');
    }
    expect(await world.catalogue.get('bad')).toBeNull();
  });

  it('takes a picture alone as the body, with the rest in the query', async () => {
    const alone = (query: string, to = itemUrl('alone')) =>
      request(world.app.handler).put(`${to}${query}`).set('content-type', 'image/png').send(world.red);
    const added = await alone('?label=shoe&metadata=%7B%22price%22%3A3%7D');
    expect(added.body).toMatchObject({ outcome: 'added', item: { label: 'shoe', metadata: { price: 3 }, width: 64 } });
    expectProblem(await alone('?colour=red'), 422, 'invalid-option', 'colour');
    const inQuery = request(world.app.handler).put(`${itemUrl('v')}?label=x`);
    expectProblem(await inQuery.send({ vector: [1, 0, 0] }), 422, 'invalid-option', 'label');
  });

  it.each([
    [
      'a form',
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n',
    ],
    ['a picture alone', 'image/png', ''],
  ])('leaves nothing of %s whose client goes away in the middle', async (_, type, before) => {
    await listening(world.app, async (port) => {
      const socket = connect(port, '127.0.0.1');
      socket.write(
        `PUT /v1/items/gone HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: 100000\r\n\r\n`,
      );
      socket.write(before);
      // All of the picture, but not of the body.
      socket.write(world.red);
      await new Promise((resolve) => setTimeout(resolve, 30));
      socket.destroy();
      await new Promise((resolve) => socket.once('close', resolve));
    });
    expect((await world.put('after').send({ vector: [0, 1, 0] })).status).toBe(201);
    expect([await world.catalogue.get('gone'), world.embedded()]).toEqual([null, 0]);
  });

  it('refuses ids that are none, and writes where they are not allowed', async () => {
    expectProblem(await world.put('x'.repeat(513)).send({ vector: [1, 0, 0] }), 400, 'invalid-request', 'id');
    expectProblem(await world.put('a\u0001').send({ vector: [1, 0, 0] }), 400, 'invalid-request', 'id');
    expectProblem(
      await request(world.closed.handler)
        .put('/v1/items/a')
        .send({ vector: [1, 0, 0] }),
      403,
      'writes-disabled',
    );
    expectProblem(await request(world.closed.handler).delete('/v1/items/a'), 403, 'writes-disabled');
    expectProblem(await request(world.closed.handler).post('/v1/items:batch').send('{}'), 403, 'writes-disabled');
  });
});

describe('DELETE /v1/items/:id', () => {
  it('deletes what no search finds from then on, once', async () => {
    await world.put('e').send({ vector: [1, 0, 0] });
    expect((await world.remove('e')).status).toBe(204);
    expect(await world.nearest([1, 0, 0])).toEqual([]);
    expectProblem(await world.remove('e'), 404, 'item-not-found', 'id');
  });
});
