import { rename, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { itemSchema, itemsResponseSchema } from '../../src/server/schemas/api.js';
import { createWorld, expectProblem, itemUrl, type World } from './helpers.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const get = (path: string) => request(world.app.handler).get(path);
function bytesOf(response: request.Response): Buffer {
  const body: unknown = response.body;
  if (!Buffer.isBuffer(body)) throw new Error('the answer is not binary');
  return body;
}
const first = 'fruit/cherry 1.png';

describe('GET /v1/items', () => {
  it('pages through every item once, in order of id', async () => {
    const seen: string[] = [];
    let after = '';
    for (let page = 0; page < 10; page++) {
      const response = await get(`/v1/items?limit=2${after}`);
      const { items, next, total } = itemsResponseSchema.strict().parse(response.body);
      expect(total).toBe(world.items.length);
      seen.push(...items.map(({ id }) => id));
      if (next === null) break;
      after = `&after=${encodeURIComponent(next)}`;
    }
    const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
    expect(seen).toEqual(world.items.map(({ id }) => id).sort(byBytes));
  });

  it('filters: values of a field are alternatives, fields must all match', async () => {
    const found = async (query: string) =>
      itemsResponseSchema.parse((await get(`/v1/items?${query}`)).body).items.map(({ id }) => id);
    expect(await found('filter=category=fruit&filter=category=leaf')).toHaveLength(3);
    expect(await found('filter=category=fruit&filter=category=leaf&filter=price=3')).toHaveLength(2);
    expect(await found(`filter=${encodeURIComponent('id=leaf?#&=+%2F.png')}`)).toEqual(['leaf?#&=+%2F.png']);
  });

  it('never shows where a picture lies', async () => {
    const response = await get('/v1/items');
    expect(response.text).not.toContain(world.folder);
    expect(response.text).not.toContain('imagePath');
  });

  it.each([
    ['?limit=0', 'invalid-option', 'limit'],
    ['?limit=1001', 'invalid-option', 'limit'],
    ['?limit=x', 'invalid-option', 'limit'],
    ['?filter==x', 'invalid-option', 'filter'],
    ['?filter=colour=red', 'unknown-filter-field', 'filter'],
    ['?category=fruit', 'invalid-option', 'category'],
    ['?__proto__=x', 'invalid-option', '__proto__'],
  ])('answers %s with a problem', async (query, code, field) => {
    expectProblem(await get(`/v1/items${query}`), 422, code, field);
  });
});

describe('GET /v1/items/:id', () => {
  it('finds every item by its percent-encoded id, slashes and all', async () => {
    for (const { id, imagePath } of world.items) {
      const response = await get(itemUrl(id));
      const item = itemSchema.strict().parse(response.body);
      expect(item.id).toBe(id);
      expect(item.image).toBe(imagePath === null ? null : itemUrl(id, '/image').slice(1));
    }
  });

  it.each([
    ['/v1/items/nobody', 404, 'item-not-found', 'id'],
    ['/v1/items/fruit/cherry%201.png', 404, 'route-not-found', undefined],
    ['/v1/items/%E0%A4%A', 400, 'invalid-request', undefined],
    ['/v1/items/half.png?x=1', 422, 'invalid-option', 'x'],
    [`/v1/items/${'a'.repeat(5000)}`, 404, 'item-not-found', 'id'],
  ])('answers %s with a problem', async (path, status, code, field) => {
    expectProblem(await get(path), status, code, field);
  });
});

describe('GET /v1/items/:id/image', () => {
  it('sends the stored picture as it is, with its type from its bytes', async () => {
    const response = await get(itemUrl(first, '/image'));
    expect(response.status).toBe(200);
    expect(response.headers).toMatchObject({
      'content-type': 'image/png',
      etag: `"${world.items[0]?.contentHash ?? ''}"`,
      'cache-control': 'private, max-age=60, must-revalidate',
      'x-content-type-options': 'nosniff',
    });
    expect(await sharp(bytesOf(response)).metadata()).toMatchObject({ width: 64, height: 48 });
  });

  it('follows the links it gives', async () => {
    for (const { id, imagePath } of world.items) {
      const { image } = itemSchema.parse((await get(itemUrl(id))).body);
      if (imagePath !== null) expect((await get(`/${image ?? ''}`)).status).toBe(200);
    }
  });

  it('makes thumbnails in WebP, or in JPEG for who does not take WebP, never larger than the picture', async () => {
    const webp = await get(itemUrl(first, '/image?width=32'));
    expect(webp.headers).toMatchObject({ 'content-type': 'image/webp', vary: 'Accept' });
    expect(await sharp(bytesOf(webp)).metadata()).toMatchObject({ format: 'webp', width: 32, height: 24 });
    const jpeg = await get(itemUrl(first, '/image?width=500')).set('accept', 'image/jpeg');
    expect(jpeg.headers['content-type']).toBe('image/jpeg');
    expect(await sharp(bytesOf(jpeg)).metadata()).toMatchObject({ format: 'jpeg', width: 64 });
    expect(
      new Set([webp.headers['etag'], jpeg.headers['etag'], (await get(itemUrl(first, '/image'))).headers['etag']]).size,
    ).toBe(3);
  });

  it('answers 304 to who has it already', async () => {
    for (const tail of ['/image', '/image?width=32']) {
      const { headers } = await get(itemUrl(first, tail));
      const again = await get(itemUrl(first, tail)).set('if-none-match', String(headers['etag']));
      expect([again.status, again.text]).toEqual([304, '']);
      expect((await get(itemUrl(first, tail)).set('if-none-match', '"other"')).status).toBe(200);
    }
  });

  it('answers HEAD without the picture', async () => {
    const response = await request(world.app.handler).head(itemUrl(first, '/image'));
    expect(response.status).toBe(200);
    expect(Number(response.headers['content-length'])).toBeGreaterThan(50);
  });

  it.each([
    ['nobody', '', 404, 'item-not-found', 'id'],
    ['vector only', '', 404, 'image-missing', undefined],
    ['vector only', '?width=100', 404, 'image-missing', undefined],
    [first, '?width=0', 422, 'invalid-option', 'width'],
    [first, '?width=100000', 422, 'invalid-option', 'width'],
    [first, '?width=wide', 422, 'invalid-option', 'width'],
    [first, '?height=100', 422, 'invalid-option', 'height'],
  ])('answers %s%s with a problem', async (id, query, status, code, field) => {
    expectProblem(await get(itemUrl(id, `/image${query}`)), status, code, field);
  });

  it('says so when the file is gone, damaged or no picture any more', async () => {
    const path = world.items[1]?.imagePath ?? '';
    const url = itemUrl('fruit/cherry 2.png', '/image');
    await rename(path, `${path}.away`);
    const missing = await get(url);
    expectProblem(missing, 404, 'image-missing');
    expect([missing.headers['etag'], missing.headers['cache-control']]).toEqual([undefined, 'no-store']);
    expectProblem(await get(`${url}?width=20`), 404, 'image-missing');
    await writeFile(path, (await sharp(`${path}.away`).png().toBuffer()).subarray(0, 60));
    expectProblem(await get(`${url}?width=20`), 422, 'image-unreadable');
    await writeFile(path, '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
    expectProblem(await get(`${url}?width=20`), 415, 'image-unsupported');
    expect((await get(url)).headers['content-type']).toBe('application/octet-stream');
    await rename(`${path}.away`, path);
    expect((await get(`${url}?width=20`)).status).toBe(200);
  });
});
