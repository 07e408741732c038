import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { percentile } from '../../src/cli/bench/compare.js';
import { createRandom } from '../../src/core/random.js';
import { createTinyIndex, startKindred, type TinyIndex } from '../cli/tiny-index.js';
import { residentMiB } from './load.js';
import { record, scaleOf } from './scale.js';

const seconds = scaleOf('KINDRED_SOAK_OVERLOAD', 3);
const soak = seconds >= 30;
const times = 5;
const script = fileURLToPath(new URL('overload-load.js', import.meta.url));

/** The generator must not take the server's time: each has its core, where that can be had. */
const pinned = (core: number): readonly string[] => {
  try {
    execFileSync('taskset', ['-c', String(core), 'true']);
    return ['taskset', '-c', String(core)];
  } catch {
    return [];
  }
};
const generatorCore = pinned(1);

const resultSchema = z.object({
  ok: z.number(),
  refused: z.number(),
  other: z.number(),
  broken: z.number(),
  unsent: z.number(),
  seconds: z.number(),
  cpu: z.number(),
});

interface Load {
  readonly kind: 'image' | 'id';
  readonly seconds: number;
  readonly connections: number;
  /** Requests a second; 0: as many as are answered. */
  readonly rate: number;
}

let world: TinyIndex;
let folder: string;
let photo: string;
beforeAll(async () => {
  world = await createTinyIndex(40);
  folder = await mkdtemp(join(tmpdir(), 'kindred-overload-'));
  photo = join(folder, 'photo.jpg');
  const random = createRandom('overload');
  const pixels = Buffer.from(Array.from({ length: 24 * 18 * 3 }, () => Math.floor(random() * 256)));
  const noise = sharp(pixels, { raw: { width: 24, height: 18, channels: 3 } });
  await noise.resize(2400, 1800, { kernel: 'cubic' }).jpeg({ quality: 60 }).toFile(photo);
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

async function load(port: number, { kind, seconds: time, connections, rate }: Load) {
  const words = [...generatorCore, process.execPath, script, port, time, connections, rate, kind, photo].map(String);
  const [program = '', ...args] = words;
  const { stdout } = await promisify(execFile)(program, args, { timeout: time * 1000 + 30_000 });
  return resultSchema.parse(JSON.parse(stdout));
}

/** Asks /healthz on and on until stopped; gives every latency, ms. */
function watchHealth(port: number): () => Promise<number[]> {
  const latencies: number[] = [];
  const stop = new AbortController();
  const watching = (async () => {
    while (!stop.signal.aborted) {
      const start = performance.now();
      const response = await fetch(`http://127.0.0.1:${port}/healthz`);
      await response.text();
      expect(response.status).toBe(200);
      latencies.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return async () => {
    stop.abort();
    await watching;
    return latencies;
  };
}

it.each(['image', 'id'] as const)(
  `goes on answering %s searches at ${times} times what it can take, for ${seconds} s`,
  { timeout: seconds * 4000 + 60_000 },
  async (kind) => {
    const { child, said, ended } = startKindred('serve', '--index', world.index, '--port', '0', '--threads', '1');
    onTestFinished(() => void child.kill('SIGKILL'));
    const port = Number((await said(/http:\/\/127\.0\.0\.1:(\d+)/))[1]);
    const calm = { kind, connections: 32, rate: 0 };
    await load(port, { ...calm, seconds: soak ? 10 : 1.5 });
    const before = await load(port, { ...calm, seconds: soak ? 15 : 1.5 });
    const capacity = before.ok / before.seconds;
    const memory = await residentMiB(child.pid);

    const stopWatching = watchHealth(port);
    const rate = Math.round(capacity * times);
    const during = await load(port, { kind, seconds, connections: 200, rate });
    const latencies = await stopWatching();
    const grown = (await residentMiB(child.pid)) - memory;
    const after = await load(port, { ...calm, seconds: soak ? 15 : 1.5 });

    const goodput = during.ok / during.seconds / ((capacity + after.ok / after.seconds) / 2);
    const p99 = percentile(latencies, 0.99);
    const facts = { capacity, offered: rate, ...during, goodput, healthzP99: p99, grownMiB: grown };
    expect(during.ok, JSON.stringify(facts)).toBeGreaterThan(0);
    expect([during.other, during.broken], JSON.stringify(facts)).toEqual([0, 0]);
    if (kind === 'image') expect(during.refused, JSON.stringify(facts)).toBeGreaterThan(during.ok);
    record({ test: `overload by ${kind} searches`, pinned: generatorCore.length > 0, ...facts });
    // What a machine with other work on it does to three seconds says nothing of the server. A search by id costs hardly
    // more than turning it away, so five times as many of them leave less time for answers: that is recorded alone.
    if (soak && kind === 'image') {
      expect(goodput, JSON.stringify(facts)).toBeGreaterThanOrEqual(0.8);
      expect(p99, JSON.stringify(facts)).toBeLessThan(50);
      expect(grown, JSON.stringify(facts)).toBeLessThan(300);
    }
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  },
);
