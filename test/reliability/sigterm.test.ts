import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent } from 'node:http';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createRandom } from '../../src/core/random.js';
import { createTinyIndex, startKindred, type TinyIndex } from '../cli/tiny-index.js';
import { exchange, loadUntilTold, type Answer, type Call } from './load.js';
import { record, scaleOf } from './scale.js';

const times = scaleOf('KINDRED_SOAK_SIGTERMS', 1);
const clients = 8;

let world: TinyIndex;
let picture: Buffer;
beforeAll(async () => {
  world = await createTinyIndex(40);
  picture = await readFile(join(world.photos, 'a', '0007.png'));
});
afterAll(() => world.close());

const writtenSchema = z.object({ item: z.object({ id: z.string(), label: z.string() }) });
const itemSchema = z.object({ label: z.string() });

/** Starts the real server with more words. */
async function serve(...words: string[]) {
  const server = startKindred('serve', '--index', world.index, '--port', '0', '--allow-keyless-writes', ...words);
  onTestFinished(() => void server.child.kill('SIGKILL'));
  const [, port = ''] = await server.said(/http:\/\/127\.0\.0\.1:(\d+)/);
  return { ...server, port: Number(port) };
}

/** A client's calls, by lot: searches by id and by picture, reads, and writes of an item of its own. */
function callsOf(client: number, round: number): () => Call {
  const random = createRandom(client * 1000 + round);
  let count = 0;
  return () => {
    const lot = random();
    const id = encodeURIComponent(`a/${String(Math.floor(random() * 40)).padStart(4, '0')}.png`);
    if (lot < 0.4) return { method: 'GET', path: `/v1/items/${id}/similar?limit=5` };
    if (lot < 0.6) return { method: 'GET', path: `/v1/items/${id}/image?width=32` };
    if (lot < 0.8) return { method: 'POST', path: '/v1/search?limit=3', type: 'image/png', body: picture };
    const label = `${round}-${count++}`;
    const body = Buffer.from(JSON.stringify({ vector: [1, 2, 3, 4, 5, 6, 7, random()], label }));
    return { method: 'PUT', path: `/v1/items/client-${client}`, type: 'application/json', body };
  };
}

it(`ends cleanly on SIGTERM under load, ${times} times: no request fails`, { timeout: times * 20_000 }, async () => {
  const acknowledged = new Map<string, string>();
  const random = createRandom(7);
  let answered = 0;
  let resetAtClose = 0;
  for (let round = 0; round < times; round++) {
    const { child, port, ended, text } = await serve();
    const check = new Agent();
    for (const [id, label] of acknowledged) {
      const found = await exchange(check, port, { method: 'GET', path: `/v1/items/${id}` });
      expect(itemSchema.parse(JSON.parse(found.text)).label).toBe(label);
    }
    const running = Array.from({ length: clients }, (_, client) => {
      const onAnswer = ({ method }: Call, { status, text: body }: Answer): void => {
        if (method !== 'PUT' || status >= 300) return;
        const { item } = writtenSchema.parse(JSON.parse(body));
        acknowledged.set(item.id, item.label);
      };
      return loadUntilTold({ port, next: callsOf(client, round), onAnswer }, client % 4 === 3);
    });
    await new Promise((resolve) => setTimeout(resolve, 100 + random() * 500));
    child.kill('SIGTERM');
    const results = await Promise.all(running);
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
    expect([await ended, text()]).toEqual([0, expect.stringContaining('draining')]);
    answered += results.reduce((sum, result) => sum + result.answered, 0);
    resetAtClose += results.reduce((sum, result) => sum + result.resetAtClose, 0);
  }
  expect(acknowledged.size).toBe(clients);
  record({ test: 'sigterm', times, clients, answered, failed: 0, resetAtClose });
});

it('says at once that it is not ready and goes on for the drain delay; a second signal ends it', async () => {
  const { child, port, ended } = await serve('--drain-delay', '60');
  const agent = new Agent();
  const status = async (path: string): Promise<number> => (await exchange(agent, port, { method: 'GET', path })).status;
  expect(await status('/readyz')).toBe(200);
  child.kill('SIGTERM');
  while ((await status('/readyz')) !== 503);
  expect(await status('/v1/items')).toBe(200);
  const before = performance.now();
  child.kill('SIGTERM');
  expect(await ended).toBe(130);
  expect(performance.now() - before).toBeLessThan(2000);
});
