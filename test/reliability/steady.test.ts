import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { openConnection, type RawConnection } from '../../src/cli/bench/http-client.js';
import { createRandom } from '../../src/core/random.js';
import { createTinyIndex, startKindred, type TinyIndex } from '../cli/tiny-index.js';
import { residentMiB } from './load.js';
import { record, scaleOf } from './scale.js';

const requests = scaleOf('KINDRED_SOAK_REQUESTS', 2000);
const soak = requests >= 100_000;
const connections = 16;

let world: TinyIndex;
let picture: Buffer;
beforeAll(async () => {
  world = await createTinyIndex(40);
  picture = await readFile(join(world.photos, 'a', '0007.png'));
});
afterAll(() => world.close());

const get = (path: string): Buffer => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
function send(method: string, path: string, type: string, body: Buffer): Buffer {
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

/** The next request, by lot, with the status that it must have. */
function draw(random: () => number): [Buffer, number[]] {
  const lot = random();
  const id = encodeURIComponent(`a/${String(Math.floor(random() * 40)).padStart(4, '0')}.png`);
  if (lot < 0.6) return [get(`/v1/items/${id}/similar?limit=5`), [200]];
  if (lot < 0.85) return [get(`/v1/items/${id}`), [200]];
  if (lot < 0.9) return [get('/healthz'), [200]];
  if (lot < 0.93) return [get(`/v1/items/nobody-${random()}`), [404]];
  if (lot < 0.95) return [get(`/v1/items?limit=5&filter=label=${random()}`), [200, 422]];
  if (lot < 0.97) return [send('POST', '/v1/search?limit=3', 'image/png', picture), [200]];
  if (lot < 0.98) return [send('POST', '/v1/search', 'image/png', Buffer.from('no picture')), [415]];
  if (lot < 0.99) return [get(`/v1/items/${id}/image?width=${16 + Math.floor(random() * 48)}`), [200]];
  const body = JSON.stringify({
    vector: [1, 2, 3, 4, 5, 6, 7, random()],
    metadata: { n: Math.floor(random() * 1000) },
  });
  return [send('PUT', `/v1/items/w${Math.floor(random() * 100)}`, 'application/json', Buffer.from(body)), [200, 201]];
}

it(`answers ${requests} requests, and its memory stays what it was`, { timeout: 60_000 + requests * 3 }, async () => {
  const { child, said, ended } = startKindred('serve', '--index', world.index, '--port', '0', '--allow-keyless-writes');
  onTestFinished(() => void child.kill('SIGKILL'));
  const port = Number((await said(/http:\/\/127\.0\.0\.1:(\d+)/))[1]);
  const random = createRandom('steady');
  const lines = Array.from({ length: connections }, () => openConnection(new URL(`http://127.0.0.1:${port}`)));
  const memory: number[] = [];
  const parts = 20;
  let left = 0;
  const answered: Record<string, number> = {};
  const client = async (line: RawConnection): Promise<void> => {
    while (left-- > 0) {
      const [request, expected] = draw(random);
      const { status } = await line.ask(request);
      answered[status] = (answered[status] ?? 0) + 1;
      if (!expected.includes(status)) expect(expected, request.toString('latin1').slice(0, 200)).toContain(status);
    }
  };
  for (let part = 0; part < parts; part++) {
    left = Math.ceil(requests / parts);
    await Promise.all(lines.map(client));
    memory.push(await residentMiB(child.pid));
  }
  for (const line of lines) line.close();
  // The first quarter warms up: V8 compiles, pools and caches fill. Each end is the median of five readings.
  const middle = (readings: number[]): number => readings.sort((a, b) => a - b)[2] ?? NaN;
  const growth = middle(memory.slice(15)) / middle(memory.slice(5, 10)) - 1;
  record({ test: 'memory over many requests', requests, answered, memoryMiB: memory.map(Math.round), growth });
  if (soak) expect(growth, JSON.stringify(memory)).toBeLessThanOrEqual(0.05);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});
