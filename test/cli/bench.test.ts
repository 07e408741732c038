import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bareLoops } from '../../src/cli/bench/bare.js';
import type { Bench, BenchContext } from '../../src/cli/bench/bench.js';
import { compare, median, percentile } from '../../src/cli/bench/compare.js';
import { createEmbedBench } from '../../src/cli/bench/embed-bench.js';
import { makePictures } from '../../src/cli/bench/images.js';
import { createGraphBench } from '../../src/cli/bench/graph-bench.js';
import { createHttpBench } from '../../src/cli/bench/http-bench.js';
import { indexBench } from '../../src/cli/bench/index-bench.js';
import { benches } from '../../src/cli/bench/registry.js';
import { serveBench } from '../../src/cli/bench/serve-bench.js';
import { createWritesBench } from '../../src/cli/bench/writes-bench.js';
import { type BenchOptions, formatReport, runBenches } from '../../src/cli/commands/bench.js';
import type { OpenEmbedder } from '../../src/cli/commands/index.js';
import { KindredError } from '../../src/core/errors.js';
import { silent } from '../../src/core/progress.js';
import { createRegistry } from '../../src/core/registry.js';
import { type Bundle, readBundle, writeBundle } from '../../src/model/bundle.js';
import { goldenArrays, goldenImages } from '../../src/model/bundle/golden.js';
import { createEmbedder } from '../../src/model/embedder.js';
import { tinyEncoder } from '../model/tiny-onnx.js';

const running = { progress: silent, signal: new AbortController().signal };
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kindred-bench-test-'));
});
afterEach(() => rm(root, { recursive: true }));

/** A bundle of the tiny encoder: the benches' parts are real, only the network is small. */
async function tinyBundle(folder: string): Promise<Bundle> {
  const tiny = tinyEncoder();
  const { onnx, inputSize, dimension } = tiny;
  const golden = goldenArrays(tiny.expected(goldenImages(inputSize), 3), dimension);
  const backbone = { name: 'tiny', cut: 'none', scale: { multiply: 1, add: 0 }, source: 'a test' };
  const nothing = { loss: null, densityTerm: null, training: null, dataset: null, metrics: {} };
  return writeBundle(folder, { onnx, inputSize, dimension, golden, backbone, ...nothing });
}
const openEmbedder: OpenEmbedder = async (folder, options = {}) => {
  const { onnxPath, inputSize, dimension, fingerprint } = await readBundle(folder);
  return createEmbedder({ onnx: onnxPath, inputSize, dimension, fingerprint, ...options });
};

it('http compares searches by id with a constant of the same size', async () => {
  const bench = createHttpBench({ items: 300, dimension: 8, clusters: 10, queries: 20 });
  const [row] = await bench.run({ ...running, images: [], threads: 1, runs: 1, folder: root });
  expect(row).toMatchObject({ name: 'http.id-search.vs-constant', goal: { must: 0.35 } });
  expect(row && 'ratio' in row && row.ratio).toBeGreaterThan(0);
  expect(row && 'detail' in row && row.detail['bytes']).toBeGreaterThan(1000);
});

it('graph gives recall before and after churn, the start and the memory', async () => {
  const bench = createGraphBench({ items: 400, dimension: 8, clusters: 10, queries: 20 });
  const rows = await bench.run({ ...running, images: [], threads: 1, runs: 1, folder: root });
  const [fresh, churned] = rows.map((row) => ('value' in row ? row.value : undefined));
  expect([fresh, churned]).toEqual([1, 1]);
  expect(rows.map(({ name }) => name).slice(2)).toEqual(['graph.start.vs-rebuild', 'graph.memory.vs-float32']);
  for (const row of rows.slice(2)) expect('ratio' in row && row.ratio).toBeGreaterThan(0);
});

describe('median and percentile', () => {
  it('agree with values worked by hand', () => {
    expect([median([3]), median([9, 1, 5]), median([4, 1, 2, 100])]).toEqual([3, 5, 3]);
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([0, 0.5, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 99, 100]);
    expect(percentile([7], 0.99)).toBe(7);
  });

  it('have half and `share` of the values at or below them', () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (list, share) => {
        const limit = percentile(list, share);
        expect(list).toContain(limit);
        expect(list.filter((value) => value <= limit).length).toBeGreaterThanOrEqual(share * list.length - 1e-9);
        expect(list.filter((value) => value < limit).length).toBeLessThan(Math.max(1, share * list.length + 1e-9));
        expect(list.filter((value) => value < median(list)).length).toBeLessThanOrEqual(list.length / 2);
      }),
    );
  });
});

describe('compare', () => {
  it('takes turns, forgets the first round and compares with the best of the others', async () => {
    const calls: string[] = [];
    const side = (name: string, rates: number[]) => async () => {
      calls.push(name);
      return Promise.resolve(rates.shift() ?? NaN);
    };
    const result = await compare({
      ...running,
      name: 'x',
      runs: 3,
      ours: side('ours', [1, 90, 60, 80]),
      theirs: { slow: side('slow', [1000, 50, 50, 50]), fast: side('fast', [1000, 100, 50, 100]) },
    });
    expect(calls.join(' ')).toBe('ours slow fast fast slow ours ours slow fast fast slow ours');
    expect(result.ratios).toEqual([0.9, 1.2, 0.8]);
    expect(result).toMatchObject({ ratio: 0.9, ours: 80, theirs: 100, best: 'fast' });
    expect(result.competitors).toEqual({ slow: 50, fast: 100 });
  });

  it('stops between two measurements', async () => {
    const controller = new AbortController();
    const ours = async (): Promise<number> => {
      controller.abort();
      return Promise.resolve(1);
    };
    const theirs = { other: () => Promise.reject(new Error('not to be measured')) };
    const stopped = compare({ name: 'x', runs: 5, ours, theirs, progress: silent, signal: controller.signal });
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('runBenches', () => {
  const training = { inputSize: 32, classesPerBatch: 2, imagesPerClass: 2, steps: 1 };
  const options: BenchOptions = { images: 8, runs: 5, threads: 1, backbone: 'b', ...training };
  const good: Bench = {
    summary: 'works',
    run: ({ runs }) => Promise.resolve([{ name: 'good.x', ratio: 0.912, runs, note: 'fine', detail: {} }]),
  };
  const broken: Bench = {
    summary: 'does not',
    run: () => Promise.reject(new KindredError('addon-missing', 'no server here', { hint: 'Install it.' })),
  };
  const context = { ...running, out: () => undefined, warn: () => undefined };
  const scratch: string[] = [];
  const parts = {
    benches: createRegistry<Bench>('bench', { broken, good }),
    openEmbedder,
    makeModel: (folder: string) => {
      scratch.push(folder);
      return tinyBundle(folder);
    },
  };

  it('goes on after a bench that cannot run here, says why, and leaves nothing behind', async () => {
    const report = await runBenches([], options, context, parts);
    expect(report.results).toEqual([
      { name: 'broken', skipped: 'no server here. Install it.' },
      { name: 'good.x', ratio: 0.912, runs: 5, note: 'fine', detail: {} },
    ]);
    expect(report.machine.cores).toBeGreaterThan(0);
    const text = formatReport(report);
    expect(text).toMatch(/broken +not run: no server here/);
    expect(text).toMatch(/good\.x +0\.91 +5 runs; fine/);
    expect(existsSync(scratch[0] ?? '')).toBe(false);
  });

  it('refuses an unknown name before it does anything, and names the closest', async () => {
    scratch.length = 0;
    const wrong = runBenches(['good', 'brocken'], options, context, parts);
    await expect(wrong).rejects.toMatchObject({ code: 'unknown-name', hint: 'Known: broken, good.' });
    await expect(wrong).rejects.toThrow('did you mean "broken"?');
    expect(scratch).toEqual([]);
  });

  it('knows the benches', () => {
    expect(benches.names).toEqual(expect.arrayContaining(['embed', 'index', 'serve', 'train', 'writes']));
  });
});

describe('makePictures', () => {
  it('writes different JPEG files, the same every time', async () => {
    const [first, again] = await Promise.all([makePictures(join(root, 'a'), 3), makePictures(join(root, 'b'), 3)]);
    const bytes = await Promise.all(first.map((path) => readFile(path)));
    expect(await Promise.all(again.map((path) => readFile(path)))).toEqual(bytes);
    expect(new Set(bytes.map((one) => one.toString('base64'))).size).toBe(3);
    expect(await sharp(bytes[0]).metadata()).toMatchObject({ format: 'jpeg', width: 640, height: 480 });
  });
});

describe('bench writes', () => {
  it('counts the syncs of durable adds against none', async () => {
    const bench = createWritesBench({ adds: 192, writers: 64, dimension: 4 });
    const rows = await bench.run({ ...running, images: [], threads: 1, runs: 1, folder: root });
    const [ratio, syncs] = rows.map((row) => ('skipped' in row ? undefined : row));
    expect(ratio?.ratio).toBeGreaterThan(0);
    expect(syncs?.value).toBeGreaterThanOrEqual(3 / 192);
    expect(syncs?.value).toBeLessThanOrEqual(1 / 16);
    expect(await readdir(root)).toEqual([]);
  });
});

describe('the real benches, on a tiny model', () => {
  const contextOf = async (): Promise<BenchContext> => ({
    ...running,
    images: await makePictures(join(root, 'images'), 12),
    model: await tinyBundle(join(root, 'model')),
    openEmbedder,
    threads: 2,
    runs: 1,
    folder: root,
  });

  it('index gives the ratio to the best bare loop', async () => {
    const [result] = await indexBench.run(await contextOf());
    expect(result).toMatchObject({ name: 'index.vs-bare-loop', runs: 1 });
    expect(result?.ratio).toBeGreaterThan(0);
    const competitors = z.record(z.string(), z.number().positive()).parse(result?.detail['competitors']);
    expect(Object.keys(competitors)).toEqual([
      'sessions 1, threads 2, batch 1',
      'sessions 1, threads 2, batch 8',
      'sessions 2, threads 1, batch 1',
      'sessions 2, threads 1, batch 8',
    ]);
    expect((await readdir(root)).sort()).toEqual(['images', 'model']);
  });

  it('embed measures every setting that the model and the machine can take, and the lowest of them', async () => {
    // The tiny bundle holds no layers, so it has one input size.
    const bench = createEmbedBench({ inputSizes: [64], threadCounts: [1, 4096], formats: ['jpeg', 'png'] });
    const [lowest, ...settings] = await bench.run(await contextOf());
    const names = ['embed.vs-bare-loop.32px.t1.jpeg', 'embed.vs-bare-loop.32px.t1.png'];
    expect(settings.map(({ name }) => name)).toEqual(names);
    for (const { ratio } of settings) expect(ratio).toBeGreaterThan(0);
    expect(lowest).toMatchObject({ name: 'embed.vs-bare-loop', goal: { must: 0.95 } });
    expect(lowest?.ratio).toBe(Math.min(...settings.map(({ ratio }) => ratio ?? NaN)));
  });

  it('serve gives the ratio and the latency of /healthz from a real server', async () => {
    const [body, form, latency] = await serveBench.run(await contextOf());
    expect(body).toMatchObject({ name: 'serve.image.vs-bare-loop as a body', goal: { must: 0.85 } });
    expect(form).toMatchObject({ name: 'serve.image.vs-bare-loop in a form', detail: { clients: 16 } });
    for (const one of [body, form]) expect(one?.ratio).toBeGreaterThan(0);
    expect(latency).toMatchObject({ name: 'serve.healthz-p99-ms', unit: 'ms' });
  });

  it('stops at a picture that cannot be decoded, with the reason', async () => {
    const context = await contextOf();
    const bad = join(root, 'bad.jpg');
    await writeFile(bad, 'no picture');
    const images = [...context.images, bad];
    await expect(indexBench.run({ ...context, images })).rejects.toThrow('bad.jpg');
    const [loop] = Object.values(bareLoops({ ...context, images }));
    await expect(loop?.()).rejects.toThrow(/bare loop failed: .*unsupported image format/);
  });
});
