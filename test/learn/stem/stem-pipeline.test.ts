import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createRandom } from '../../../src/core/random.js';
import { decodeImage } from '../../../src/data/decode.js';
import { augment } from '../../../src/data/pixels.js';
import { decodeHalf, encodeHalf } from '../../../src/learn/stem/half.js';
import {
  createStemPipeline,
  type StemPipeline,
  type StemPipelineOptions,
} from '../../../src/learn/stem/stem-pipeline.js';
import { defaultSpace, type StemSpace } from '../../../src/learn/stem/stem-cache.js';
import { failure, temporaryFolder, writePictures } from '../../data/helpers.js';
import { inputSize, tinyStem, values } from './tiny-stem.js';

const count = 20;
let folder = '';
let paths: string[] = [];
let warnings: string[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  const names = Array.from({ length: count }, (_, i) => `${i}.jpg`);
  await writePictures(folder, names);
  paths = names.map((name) => join(folder, name));
  warnings = [];
});

const nothing = new Float32Array(0);

type Changes = Partial<StemPipelineOptions>;
async function open(changes: Changes = {}): Promise<StemPipeline> {
  const pipeline = await createStemPipeline({
    onnx: tinyStem(),
    inputSize,
    values,
    paths,
    threads: 1,
    warn: (text) => warnings.push(text),
    ...changes,
  });
  onTestFinished(() => pipeline.close());
  return pipeline;
}

const space = (changes: Partial<StemSpace>): StemSpace => ({
  ...defaultSpace(),
  folder: join(folder, 'cache'),
  ...changes,
});
const cache = (activations: 'memory' | 'disk', activationBytes = 1e6): Changes => ({
  space: space({ activations, activationBytes }),
  cached: { views: 2 },
});

const indices = Array.from({ length: 40 }, (_, i) => (i * 7) % count);
const seeds = indices.map((index, i) => `0/${i % 2}/${index}`);

/** What a batch must be, from the parts that other tests cover, in plain loops. */
async function naive(batch: readonly number[], batchSeeds: readonly string[] | null): Promise<Float32Array> {
  const all: number[] = [];
  for (const [i, index] of batch.entries()) {
    const seed = batchSeeds?.[i];
    const size = seed === undefined ? inputSize : Math.round((inputSize * 7) / 6);
    const image = await decodeImage({ path: paths[index] ?? '' }, { size });
    const pixels =
      seed === undefined ? image.data : augment(image, { size: inputSize, random: createRandom(seed), jitter: 0.2 });
    for (let channel = 0; channel < 3; channel++)
      for (let y = 0; y < 8; y++)
        for (let x = 0; x < 8; x++) {
          let sum = 0;
          for (let dy = 0; dy < 4; dy++)
            for (let dx = 0; dx < 4; dx++) sum += pixels[((4 * y + dy) * inputSize + 4 * x + dx) * 3 + channel] ?? NaN;
          all.push(sum / 16 / 3);
        }
  }
  return Float32Array.from(all);
}

function halved(activations: Float32Array): Float32Array {
  const result = new Float32Array(activations.length);
  decodeHalf(encodeHalf(activations), result);
  return result;
}

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.length === b.length ? a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0) : NaN;

async function runOnce(changes: Changes): Promise<Float32Array[]> {
  const pipeline = await open(changes);
  const both = [await pipeline.run(indices, seeds), await pipeline.run(indices, null)];
  await pipeline.close();
  return both;
}

test('memory that is given back is written to again, and no other', async () => {
  const pipeline = await open();
  const [first, kept] = [await pipeline.run(indices, seeds), await pipeline.run(indices, null)];
  const [wanted, other] = [first.slice(), kept.slice()];
  pipeline.release(first);
  pipeline.release(first); // a second time is no second piece of memory
  pipeline.release(wanted); // nor is what never came from here
  const [again, more] = [await pipeline.run(indices, seeds), await pipeline.run(indices, null)];
  expect(again.buffer).toBe(first.buffer);
  expect(more.buffer).not.toBe(first.buffer);
  expect(again).toEqual(wanted);
  expect([kept, more]).toEqual([other, other]);
});

const slotFiles = async (): Promise<string[]> =>
  (await readdir(join(folder, 'cache'), { recursive: true }))
    .filter((name) => name.endsWith('.slots'))
    .map((name) => join(folder, 'cache', name));

describe('the stem pipeline', () => {
  test('decodes, augments and computes in order, whatever is kept where', async () => {
    const expected = [await naive(indices, seeds), await naive(indices, null)];
    for (const pictureBytes of [1e9, 5 * 4200, 0]) {
      const pipeline = await open({ space: space({ pictureBytes }), threads: 2 });
      for (let epoch = 0; epoch < 2; epoch++) {
        expect(largestDifference(await pipeline.run(indices, seeds), expected[0] ?? nothing)).toBeLessThan(1e-4);
        expect(largestDifference(await pipeline.run(indices, null), expected[1] ?? nothing)).toBeLessThan(1e-4);
      }
    }
    expect(warnings).toEqual([]);
  });

  test('a kept picture is not read again', async () => {
    const pipeline = await open({ space: space({ pictureBytes: 5 * 4200 }) });
    const before = await pipeline.run(indices, seeds);
    for (const path of paths) await rm(path);
    expect(await pipeline.run(indices, seeds)).toEqual(before);
    expect((await failure(pipeline.run([0], null))).message).toContain(paths[0]);
  });

  test('tells when its workers were busy', async () => {
    const spans: [number, number][] = [];
    const before = Date.now();
    const pipeline = await open({ onBusy: (start, end) => spans.push([start, end]) });
    await pipeline.run(indices, seeds);
    expect(spans).toHaveLength(3);
    for (const [start, end] of spans) {
      expect(start).toBeGreaterThan(before - 5);
      expect(end).toBeGreaterThan(start);
      expect(end).toBeLessThan(Date.now() + 5);
    }
  });
});

describe('cached activations', () => {
  test('are those computed, in half precision: in memory and on disk, cold and warm, bit for bit', async () => {
    const plain = await runOnce({});
    const memory = await open(cache('memory'));
    const cold = [await memory.run(indices, seeds), await memory.run(indices, null)];
    cold.forEach((one, i) => {
      const difference = largestDifference(one, halved(plain[i] ?? nothing));
      expect(difference).toBeLessThan(0.07); // one step of a half below 85
      expect(one).not.toEqual(plain[i]);
    });
    expect([await memory.run(indices, seeds), await memory.run(indices, null)]).toEqual(cold);
    expect(await runOnce(cache('disk'))).toEqual(cold);
    // Too small to hold everything, or anything: other speed, same numbers.
    expect(await runOnce(cache('memory', 10 * 450))).toEqual(cold);
    expect(warnings).toEqual([]);
    expect(await runOnce(cache('disk', 100))).toEqual(cold);
    expect(warnings).toEqual([expect.stringContaining('nothing is cached')]);
  });

  test('come from the disk without decoding a picture, even under another name', async () => {
    const onnx = tinyStem();
    const [cold] = await runOnce(cache('disk'));
    const renamed = paths.map((path) => path.replace('.jpg', '-renamed.jpg'));
    for (const [i, path] of renamed.entries()) await rename(paths[i] ?? '', path);
    const pipeline = await open({ ...cache('disk'), paths: renamed, onnx });
    expect(await pipeline.run(indices, seeds)).toEqual(cold);
    // Each worker has met every picture now. Where nothing is decoded any more, it does not matter that they are gone.
    for (const path of renamed) await rm(path);
    expect(await pipeline.run(indices, seeds)).toEqual(cold);
    await failure(
      pipeline.run(
        indices,
        indices.map(() => 'a view that is not cached'),
      ),
    );
  });

  test('of another picture, stem or view are not taken', async () => {
    const [cold] = await runOnce(cache('disk'));
    const other = await open({ ...cache('disk'), onnx: tinyStem(1 / 7) });
    expect(largestDifference(await other.run(indices, seeds), cold ?? nothing)).toBeGreaterThan(1);
    await writePictures(folder, ['0.jpg'], 1000);
    const changed = await (await open(cache('disk'))).run(indices, seeds);
    const kept = await naive(indices, seeds);
    expect(largestDifference(changed, halved(kept))).toBeLessThan(0.07);
  });

  test('that are damaged on the disk are computed anew', async () => {
    const cold = await runOnce(cache('disk'));
    const [file = ''] = await slotFiles();
    const whole = await readFile(file);
    const random = createRandom('damage');
    const damaged = Buffer.from(whole);
    for (let i = 0; i < 3000; i++) {
      const at = Math.floor(random() * whole.length);
      damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << Math.floor(random() * 8)), at);
    }
    await writeFile(file, damaged.subarray(0, whole.length * 0.8));
    expect(await runOnce(cache('disk'))).toEqual(cold);
    expect(warnings).toEqual([]);
  });

  test('two pipelines at once share a folder', async () => {
    const [cold] = await runOnce(cache('memory'));
    const pipelines = [await open(cache('disk')), await open({ ...cache('disk'), threads: 2 })];
    for (let round = 0; round < 3; round++) {
      const results = await Promise.all(pipelines.map((pipeline) => pipeline.run(indices, seeds)));
      expect(results).toEqual([cold, cold]);
    }
  });

  test('what half precision cannot hold is refused', async () => {
    const pipeline = await open({ ...cache('memory'), onnx: tinyStem(1e6) });
    expect(await failure(pipeline.run([0], null))).toMatchObject({ code: 'invalid-option', field: '--cache' });
  });
});

describe('a stem worker that dies', () => {
  /** Ends workers as they get their jobs, `times` times. */
  function killing(times: number): void {
    // Called with the worker as `this` below.
    // eslint-disable-next-line @typescript-eslint/unbound-method
    const post = Worker.prototype.postMessage;
    let left = times;
    const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message: unknown) {
      const job = typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'job';
      if (job && left-- > 0) void this.terminate();
      else post.call(this, message);
    });
    onTestFinished(() => spy.mockRestore());
  }

  test('is replaced, and its jobs are done again', async () => {
    const changes = cache('memory');
    const expected = await (await open({ ...changes, threads: 2 })).run(indices, seeds);
    const pipeline = await open({ ...changes, threads: 2 });
    killing(1);
    expect(await pipeline.run(indices, seeds)).toEqual(expected);
    expect(await pipeline.run(indices, seeds)).toEqual(expected);
  });

  test('twice over the same job is an error that says how to go on', async () => {
    const pipeline = await open();
    killing(2);
    const error = await failure(pipeline.run([0, 1], null));
    expect(error).toMatchObject({ code: 'worker-died' });
    expect(error.hint).toContain('--resume');
    expect((await pipeline.run([0, 1], null)).length).toBe(2 * values);
  });
});
