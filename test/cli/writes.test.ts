import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { itemsResponseSchema, searchResponseSchema } from '../../src/server/schemas/api.js';
import { paint } from '../indexing/helpers.js';
import { createTinyIndex, kindred, startKindred, type TinyIndex } from './tiny-index.js';

let world: TinyIndex;
beforeAll(async () => {
  world = await createTinyIndex(4);
});
afterAll(() => world.close());

async function serve(...flags: string[]) {
  const server = startKindred('serve', '--index', world.index, '--port', '0', '--threads', '1', ...flags);
  onTestFinished(() => void server.child.kill('SIGKILL'));
  const [url] = await server.said(/http:\/\/127\.0\.0\.1:\d+/);
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number> => {
    server.child.kill(signal);
    return server.ended;
  };
  return { url, end };
}
const formOf = async (fields: Readonly<Record<string, string>>, path: string): Promise<FormData> => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('image', new Blob([Uint8Array.from(await readFile(path))]), 'picture.png');
  return form;
};
const send = async (url: string, method: string, body?: FormData): Promise<number> =>
  (await fetch(url, { method, ...(body && { body }) })).status;
const blobs = async (): Promise<string[]> => {
  const names = await readdir(join(world.index, 'blobs'), { recursive: true });
  return names.filter((name) => name.length > 60);
};

it('kindred serve takes writes that a kill leaves, which kindred index does not write beside', async () => {
  const picture = join(world.base, 'new.png');
  await paint(picture, { r: 250, g: 5, b: 5 });
  const first = await serve('--allow-keyless-writes');
  expect(await send(`${first.url}/v1/items/new`, 'PUT', await formOf({ label: 'red' }, picture))).toBe(201);
  expect(await send(`${first.url}/v1/items/twin`, 'PUT', await formOf({}, picture))).toBe(201);
  expect(await send(`${first.url}/v1/items/a%2F0001.png`, 'DELETE')).toBe(204);
  const batch = await formOf({ item: '{"id":"batched","metadata":{"n":1}}' }, join(world.photos, 'a/0002.png'));
  const answer = await fetch(`${first.url}/v1/items:batch`, { method: 'POST', body: batch });
  expect(await answer.text()).toBe('{"line":1,"id":"batched","outcome":"added"}\n');
  const refused = await kindred('index', '--model', world.model, '--images', world.photos, '--out', world.index);
  expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/\[index-locked\].*pid \d+ .*serve/s)]);
  await first.end('SIGKILL');
  await rm(picture);

  const second = await serve('--allow-keyless-writes');
  const { items } = itemsResponseSchema.parse(await (await fetch(`${second.url}/v1/items`)).json());
  expect(items.map(({ id }) => id)).toEqual(['a/0000.png', 'a/0002.png', 'a/0003.png', 'batched', 'new', 'twin']);
  expect((await fetch(`${second.url}/v1/items/new/image`)).status).toBe(200);
  const similar = await (await fetch(`${second.url}/v1/items/new/similar?limit=1`)).json();
  expect(searchResponseSchema.parse(similar).results[0]).toMatchObject({ id: 'twin', distance: 0 });
  expect(await blobs()).toHaveLength(2); // one content, two items
  expect(await send(`${second.url}/v1/items/batched`, 'DELETE')).toBe(204);
  expect(await second.end('SIGTERM')).toBe(0);

  const third = await serve();
  expect(await blobs()).toHaveLength(1);
  expect(await send(`${third.url}/v1/items/new`, 'DELETE')).toBe(403);
  expect(await third.end('SIGTERM')).toBe(0);
});
