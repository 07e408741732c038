import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { KindredError } from '../../core/errors.js';
import { createIndex } from '../../indexing/folder/create.js';
import { syncIndex } from '../../indexing/indexer.js';
import { bareLoops } from './bare.js';
import type { Bench, BenchContext, BenchResult } from './bench.js';
import { compare, percentile } from './compare.js';
import { sourceItems } from './index-bench.js';
import { startServerProcess } from './server-process.js';

/** Enough that the embedder always has pictures to embed together. */
const clients = 16;
const healthEveryMs = 20;
const warmUpPasses = 3;

interface Sent {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Uint8Array;
}

/** One request over a kept-alive connection; resolves when the answer is there in full. */
function exchange(url: string, agent: Agent, { method, headers = {}, body }: Sent): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent, headers }, (response) => {
      response.on('error', reject).on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new KindredError('internal', `${method} ${url} answered ${response.statusCode ?? 0}`));
      });
      response.resume();
    });
    sent.on('error', reject).end(body);
  });
}

/** A picture as a browser's form would send it. */
async function formOf(path: string): Promise<Sent> {
  const boundary = `kindred-${randomBytes(12).toString('hex')}`;
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="a"\r\nContent-Type: image/jpeg\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), await readFile(path), Buffer.from(`\r\n--${boundary}--\r\n`)]);
  const headers = { 'Content-Type': `multipart/form-data; boundary=${boundary}`, 'Content-Length': body.length };
  return { method: 'POST', headers, body };
}

async function buildIndex({ images, model, openEmbedder, threads, signal }: BenchContext, folder: string) {
  const embedder = await openEmbedder(model.folder, { threads });
  try {
    const { fingerprint, dimension } = embedder;
    const index = await createIndex(folder, { bundleFolder: model.folder, fingerprint, dimension });
    try {
      await syncIndex({ catalogue: index.catalogue, source: sourceItems(images), embedder, strict: true, signal });
      await index.catalogue.settled();
    } finally {
      await index.close();
    }
  } finally {
    await embedder.close();
  }
}

/** A picture alone as the body. */
async function bareOf(path: string): Promise<Sent> {
  const body = await readFile(path);
  return { method: 'POST', headers: { 'Content-Type': 'image/jpeg', 'Content-Length': body.length }, body };
}

/** Every picture is searched for once, by clients that each wait for one answer before they ask again. */
async function searchAll(url: string, agent: Agent, forms: readonly Sent[]): Promise<number> {
  const waiting = forms[Symbol.iterator]();
  const start = performance.now();
  const client = async (): Promise<void> => {
    for (const form of waiting) await exchange(`${url}/v1/search`, agent, form);
  };
  await Promise.all(Array.from({ length: clients }, client));
  return forms.length / ((performance.now() - start) / 1000);
}

/** Asks /healthz at a steady rate, whether answers come or not, until stopped; then gives every latency, ms. */
function watchHealth(url: string, agent: Agent): () => Promise<number[]> {
  const latencies: number[] = [];
  const asked: Promise<void>[] = [];
  const ask = async (): Promise<void> => {
    const start = performance.now();
    await exchange(`${url}/healthz`, agent, { method: 'GET' });
    latencies.push(performance.now() - start);
  };
  const timer = setInterval(() => asked.push(ask()), healthEveryMs);
  return async () => {
    clearInterval(timer);
    await Promise.all(asked);
    return latencies;
  };
}

async function run(context: BenchContext): Promise<BenchResult[]> {
  const { images, runs, threads, progress, signal } = context;
  const folder = join(context.folder, 'served-index');
  await buildIndex(context, folder);
  const ways = {
    'as a body': await Promise.all(images.map(bareOf)),
    'in a form': await Promise.all(images.map(formOf)),
  };
  const server = await startServerProcess(folder, threads);
  const agent = new Agent({ keepAlive: true });
  const latencies: number[] = [];
  const rateOf = (pictures: readonly Sent[]) => async (): Promise<number> => {
    const stop = watchHealth(server.url, agent);
    const rate = await searchAll(server.url, agent, pictures);
    latencies.push(...(await stop()));
    return rate;
  };
  const results: BenchResult[] = [];
  try {
    // A server runs for days: what counts is its rate once V8 has compiled what is hot.
    for (let pass = 0; pass < warmUpPasses; pass++) {
      for (const pictures of Object.values(ways)) await searchAll(server.url, agent, pictures);
    }
    latencies.length = 0;
    for (const [way, pictures] of Object.entries(ways)) {
      const theirs = bareLoops(context);
      const result = await compare({ name: `serve ${way}`, ours: rateOf(pictures), theirs, runs, progress, signal });
      results.push({
        name: `serve.image.vs-bare-loop ${way}`,
        ratio: result.ratio,
        runs,
        ...(way === 'as a body' && { goal: { is: 'at least', must: 0.85 } }),
        note: `${result.ours.toFixed(0)} searches/s by ${clients} clients against ${result.theirs.toFixed(0)} images/s (${result.best})`,
        detail: { unit: 'images/s', clients, ...result },
      });
    }
    const p99 = percentile(latencies, 0.99);
    return [
      ...results,
      {
        name: 'serve.healthz-p99-ms',
        value: p99,
        unit: 'ms',
        runs,
        goal: { is: 'at most', must: 50 },
        note: `${latencies.length} requests, one every ${healthEveryMs} ms while the clients search; median ${percentile(latencies, 0.5).toFixed(1)} ms`,
        detail: { requests: latencies.length, median: percentile(latencies, 0.5), highest: percentile(latencies, 1) },
      },
    ];
  } finally {
    agent.destroy();
    await server.stop();
  }
}

export const serveBench: Bench = {
  summary: 'image queries over HTTP against the bare loop (goal: 0.85), and /healthz meanwhile (goal: p99 under 50 ms)',
  run,
};
