import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { makePictures } from '../../src/cli/bench/images.js';
import { type Against, disagreement } from '../../src/cli/bench/train-against.js';
import { readTrainJob, writeTrainJob } from '../../src/cli/bench/train-job.js';
import { describeNetwork, networkFileSchema, restoreNetwork } from '../../src/cli/bench/train-network-file.js';
import { benchBackbone, mobilenetShaped } from '../../src/cli/bench/train-network.js';
import { coveredMs, type Interval, overheadShare } from '../../src/cli/bench/train-overhead.js';
import { parseAnswer, reasonIn, startLineProcess } from '../../src/cli/bench/train-process.js';
import { findTorch, pythons } from '../../src/cli/bench/train-python.js';
import { goals, overheadRow, ratioRow, rssRow } from '../../src/cli/bench/train-rows.js';
import { checkSchema, startOurSide, startTorchSide } from '../../src/cli/bench/train-sides.js';
import { formatReport } from '../../src/cli/commands/bench.js';
import { concatenate } from '../../src/core/vectors.js';
import { inferShapes } from '../../src/model/shapes.js';
import { splitBefore } from '../../src/model/surgery.js';
import { networkBuilder } from '../model/networks.js';

const torch = await findTorch();
let root: string;
let images: string[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kindred-bench-train-test-'));
  images = await makePictures(join(root, 'images'), 8);
});
afterAll(() => rm(root, { recursive: true }));

/** A feature map with a bit of everything that both sides can train. */
function mixedNetwork(inputSize: number) {
  const builder = networkBuilder([inputSize, inputSize, 3], 5);
  const first = builder.conv('input', 8, { size: [3, 3], strides: [2, 2], activation: 'relu6' });
  const padded = builder.pad(first, [
    [0, 1],
    [1, 0],
  ]);
  const down = builder.depthwise(padded, { strides: [2, 2], padding: 'valid', activation: 'relu' });
  const wide = builder.conv(down, 12, { bias: false });
  const back = builder.conv(wide, 8, { size: [3, 3] });
  const sum = builder.plain('add', down, back);
  const both = builder.plain('concat', builder.activation(sum, 'relu6'), back);
  builder.depthwise(both, { strides: [2, 2], activation: 'relu6' });
  return builder.finish();
}
const mixed = { ...(await benchBackbone(undefined, undefined)), network: mixedNetwork };
const small = { inputSize: 32, classesPerBatch: 4, imagesPerClass: 2, threads: 2, tuneSteps: 1, count: 8 };

describe('the network file', () => {
  it('gives the same graph and values back, also after another network and through JSON', () => {
    const [stem, rest] = [mixedNetwork(64), mixedNetwork(32)];
    const values: Float32Array[] = [];
    const files = [stem, rest].map((network) =>
      networkFileSchema.parse(JSON.parse(JSON.stringify(describeNetwork(network, values)))),
    );
    const row = concatenate(values);
    expect(files.map((file) => restoreNetwork(file, row))).toEqual([stem, rest]);
    expect(files[1]?.parameters[0]?.offset).toBe(
      [...stem.parameters.values()].reduce((sum, { data }) => sum + data.length, 0),
    );
  });

  it('says which weights are missing', () => {
    const values: Float32Array[] = [];
    const file = describeNetwork(mixedNetwork(32), values);
    const last = file.parameters.at(-1)?.name ?? '?';
    const short = concatenate(values).slice(0, -1);
    expect(() => restoreNetwork(file, short)).toThrow(`the weights end before ${last}`);
  });
});

describe('the generated network', () => {
  it('has the layers, shapes and size of MobileNetV1 up to conv_pw_12', () => {
    const network = mobilenetShaped(96);
    const shapes = inferShapes(network);
    expect(network.nodes).toHaveLength(25);
    expect(shapes.get(network.output)).toEqual([3, 3, 1024]);
    expect(splitBefore(network, 'conv_dw_6').rest.inputShape).toEqual([12, 12, 256]);
    // Counted by hand: 3·3·3·32 + 32, then 9·c + c and c·out + out for each block.
    const total = [...network.parameters.values()].reduce((sum, { data }) => sum + data.length, 0);
    const channels = [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024];
    const blocks = channels.slice(1).map((out, i) => [channels[i] ?? 0, out] as const);
    expect(total).toBe(896 + blocks.reduce((sum, [c, out]) => sum + 10 * c + c * out + out, 0));
  });

  it('has the same weights every time, spread so that values neither fade nor grow', () => {
    const kernels = [0, 0, 1].map((seed) => mobilenetShaped(32, seed).parameters.get('conv_pw_6/kernel')?.data ?? []);
    const [one = [], two = [], other = []] = kernels.map((data) => Array.from(data));
    expect(one.slice(0, 100)).toEqual(two.slice(0, 100));
    expect(other.slice(0, 100)).not.toEqual(one.slice(0, 100));
    // Half of what goes through a ReLU is lost, so a row of 256 inputs needs a variance of 2/256.
    expect(one.reduce((sum, value) => sum + value * value, 0) / one.length).toBeCloseTo(2 / 256, 4);
  });
});

describe('the share outside kernels and stem', () => {
  const interval = fc
    .tuple(fc.integer({ min: -5, max: 60 }), fc.integer({ min: 0, max: 20 }))
    .map(([start, length]): Interval => [start, start + length]);

  it('covers what a count of milliseconds covers', () => {
    fc.assert(
      fc.property(
        fc.array(interval),
        fc.integer({ min: 0, max: 10 }),
        fc.integer({ min: 11, max: 50 }),
        (list, from, to) => {
          let count = 0;
          for (let ms = from; ms < to; ms++) if (list.some(([start, end]) => start <= ms && ms + 1 <= end)) count++;
          expect(coveredMs(list, from, to)).toBe(count);
        },
      ),
    );
  });

  it('is what is left, and counts the moving of values as idle', () => {
    const engine: Interval[] = [[10, 40], [50, 90]]; // prettier-ignore
    const stem: Interval[] = [[0, 5], [35, 45], [95, 200]]; // prettier-ignore
    // Busy: 0–5, 10–45, 50–90, 95–100 = 85 of 100.
    expect(overheadShare({ from: 0, to: 100, engine, kernelMs: 70, stem })).toBeCloseTo(0.15, 12);
    expect(overheadShare({ from: 0, to: 100, engine, kernelMs: 60, stem })).toBeCloseTo(0.25, 12);
  });

  it('stays within 0 and 1', () => {
    fc.assert(
      fc.property(fc.array(interval), fc.array(interval), fc.integer({ min: 0, max: 99 }), (engine, stem, kernelMs) => {
        const share = overheadShare({ from: 0, to: 50, engine, kernelMs, stem });
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a side’s answers', () => {
  const answer = { peakMiB: 10, rssMiB: 5, losses: [1, 0.5] };

  it('are checked', () => {
    expect(parseAnswer('it', JSON.stringify(answer), checkSchema)).toEqual(answer);
    expect(() => parseAnswer('it', '{"losses": ["a"]}', checkSchema)).toThrow(
      'it answered what cannot be read: {"losses"',
    );
    expect(() => parseAnswer('it', 'Warning!', checkSchema)).toThrow('cannot be read: Warning!');
  });

  it('come one a line, and an end instead of one says why', async () => {
    const script = `let n = 0; require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
      if (JSON.parse(line).do === 'die') throw new TypeError('no more');
      console.log(JSON.stringify({ n: ++n }));
    });`;
    const schema = z.object({ n: z.number() });
    const side = startLineProcess('the test', process.execPath, ['-e', script]);
    expect(await side.ask({ do: 'count' }, schema)).toEqual({ n: 1 });
    expect(await side.ask({ do: 'count' }, schema)).toEqual({ n: 2 });
    await expect(side.ask({ do: 'die' }, schema)).rejects.toThrow('the test ended (exit 1): TypeError: no more');
    await side.stop();
    const absent = startLineProcess('the test', join(root, 'no-such-program'), []);
    await expect(absent.ask({}, schema)).rejects.toThrow(/the test ended .*ENOENT/);
    await absent.stop();
  });

  it('name the last error of a traceback', () => {
    expect(reasonIn('Traceback (most recent call last):\n  File "x"\nKeyError: \'way\'\n')).toBe("KeyError: 'way'");
    expect(reasonIn('one\ntwo')).toBe('two');
  });
});

describe('looking for PyTorch', () => {
  it('takes the user’s choice alone, or the usual places', () => {
    expect(pythons({ KINDRED_PYTHON: '/opt/python' })).toEqual(['/opt/python']);
    expect(pythons({})).toEqual(['python3', '/usr/bin/python3']);
  });

  it('passes over what is absent or fails', async () => {
    expect(await findTorch([join(root, 'no-such-python'), 'false'])).toBeUndefined();
  });
});

describe('the rows', () => {
  const steps = {
    peakMiB: 900,
    rssMiB: 800,
    losses: [1],
    seconds: 2,
    overhead: 0.1,
    kernelMs: 1,
    waitMs: 1,
    tensors: 5,
  };
  const against: Against = {
    ours: [steps, { ...steps, peakMiB: 1000, overhead: 0.04 }, { ...steps, overhead: 0.08 }],
    comparison: { ratio: 0.5, ratios: [0.5], ours: 50, theirs: 100, best: 'channels_last', competitors: {} },
    losses: { ours: [1], theirs: [1] },
    tried: {},
    torchPeakMiB: 1,
    refused: undefined,
  };
  const common = { against, runs: 5, about: {} };
  const version = { version: '1.13' };

  it('are named as documented and stand beside their goals', () => {
    const rows = [
      ratioRow({ ...common, part: 'partial', torch: version }),
      ratioRow({ ...common, part: 'whole', torch: version }),
      overheadRow(new Map([['partial', against], ['whole', { ...against, ours: [steps] }]]), 5),
      rssRow(against, 64, 5),
    ]; // prettier-ignore
    expect(rows.map(({ name }) => name)).toEqual([
      'train.partial.vs-pytorch',
      'train.whole.vs-pytorch',
      'train.overhead-share',
      'train.rss-mib',
    ]);
    expect(rows[0]).toMatchObject({ ratio: 0.5, goal: { must: 0.35, aim: 1 } });
    expect(rows[1]).toMatchObject({ ratio: 0.5, goal: { must: 0.15, aim: 0.6 } });
    expect(rows[2]).toMatchObject({ value: 0.1, goal: { is: 'at most', must: 0.15, aim: 0.05 } });
    expect(rows[3]).toMatchObject({ value: 1000, unit: 'MiB', goal: { is: 'at most', must: 1536, aim: 1024 } });
    expect(goals.accumulate.must).toBe(1.3);
    const machine = {
      cpu: 'c',
      cores: 2,
      memoryGiB: 4,
      platform: 'p',
      node: '20',
      kindred: '0',
      runtimes: { 'TF.js': '4' },
    };
    const text = formatReport({ machine, results: rows });
    expect(text).toContain('c, 2 cores, 4 GiB, Node 20, TF.js 4\n');
    expect(text).toMatch(
      /partial\.vs-pytorch +0\.50 +goal ≥ 0\.35, aim ≥ 1: met; 5 runs; 50\.0 images\/s against 100\.0/,
    );
    expect(text).toMatch(/overhead-share +0\.100 of step time +goal ≤ 0\.15, aim ≤ 0\.05: met/);
    expect(text).toMatch(/rss-mib +1000\.0 MiB +goal ≤ 1536, aim ≤ 1024: aim met/);
  });

  it('print no ratio without PyTorch or where the two sides differ', () => {
    const absent = ratioRow({ ...common, part: 'partial', torch: { missing: 'no python with torch' } });
    expect(absent).toEqual({
      name: 'train.partial.vs-pytorch',
      skipped: 'not measured: no python with torch; kindred alone: 50.0 images/s',
    });
    const refused = disagreement([0.2, 0.1], [0.2, 0.1002]);
    expect(refused).toContain('losses 0.200000, 0.100000 against 0.200000, 0.100200');
    const row = ratioRow({ ...common, against: { ...against, refused }, part: 'whole', torch: version });
    expect(row).toEqual({ name: 'train.whole.vs-pytorch', skipped: refused });
    expect(disagreement([0.2, 0.1], [0.20019, 0.09991])).toBeUndefined();
    for (const theirs of [[], [0.2], [0.2, NaN]]) expect(disagreement([0.2, 0.1], theirs)).toBeDefined();
    expect(rssRow(undefined, 64, 5)).toHaveProperty('skipped');
    expect(overheadRow(new Map(), 5)).toHaveProperty('skipped');
  });
});

describe('the two sides', () => {
  it('our side trains the job, in pieces too, and its losses are those of the trainer’s steps', async () => {
    const at = join(root, 'ours');
    await writeTrainJob(at, { ...small, backbone: mixed, trainFrom: 'all', images });
    const { job } = await readTrainJob(at);
    expect(job.pictures).toHaveLength(8);
    const [plain, pieces] = [startOurSide(at, { backend: 'onnx' }), startOurSide(at, { backend: 'onnx', pieces: 3 })];
    try {
      const [one, other] = [await plain.check(), await pieces.check()];
      expect(one.losses).toHaveLength(job.checkSteps);
      expect(disagreement(one.losses, other.losses)).toBeUndefined();
      const more = await plain.steps(2);
      expect(more.losses).toHaveLength(2);
      expect(more.seconds).toBeGreaterThan(0);
      expect(more.peakMiB).toBeGreaterThanOrEqual(more.rssMiB);
      expect(more.tensors).toBe(one.tensors);
    } finally {
      await Promise.all([plain.stop(), pieces.stop()]);
    }
  });

  it.skipIf(!torch)('compute the same losses from the same pixels (with PyTorch)', async () => {
    if (!torch) return;
    const at = join(root, 'both');
    const inside = mixedNetwork(32).nodes[2]?.name ?? '';
    await writeTrainJob(at, { ...small, backbone: mixed, trainFrom: inside, images });
    const [mine, theirs] = [startOurSide(at, { backend: 'onnx' }), startTorchSide(at, torch)];
    try {
      const [ours, other] = [await mine.check(), await theirs.check()];
      // Tighter than what the bench asks for: only rounding may differ.
      for (const [i, loss] of ours.losses.entries()) expect(other.losses[i]).toBeCloseTo(loss, 4);
      expect(ours.losses.at(-1)).not.toBeCloseTo(ours.losses[0] ?? NaN, 3);
    } finally {
      await Promise.all([mine.stop(), theirs.stop()]);
    }
  });
});

describe('kindred bench train', () => {
  const tiny = [
    '--input-size',
    '32',
    '--classes-per-batch',
    '2',
    '--images-per-class',
    '2',
    '--images',
    '8',
    '--steps',
    '1',
  ];
  const bench = (env: Record<string, string>, ...words: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const all = ['bin/kindred.js', 'bench', 'train', ...tiny, '--only', 'partial', ...words];
      execFile(process.execPath, all, { env: { ...process.env, ...env } }, (error, stdout, stderr) => (error ? reject(new Error(stderr, { cause: error })) : resolve(stdout)));
    }); // prettier-ignore

  it('measures what it can without PyTorch and says what it cannot', async () => {
    const text = await bench({ KINDRED_PYTHON: 'false' });
    expect(text).toMatch(
      /train\.partial\.vs-pytorch +not run: not measured: no python with torch: apt-get install python3-torch/,
    );
    expect(text).toMatch(/train\.overhead-share +0\.\d+ of step time +goal ≤ 0\.15/);
    expect(text).not.toContain('train.whole');
  });

  it.skipIf(!torch)('gives the ratio, and the goal beside it (with PyTorch)', async () => {
    const json = join(root, 'bench.json');
    const text = await bench({ KINDRED_PYTHON: torch?.python ?? '' }, '--json', json);
    expect(text).toContain(`PyTorch ${torch?.version ?? '?'}`);
    expect(text).toMatch(/train\.partial\.vs-pytorch +\d+\.\d\d +goal ≥ 0\.35, aim ≥ 1: \w+.*images\/s against/);
    const schema = z.object({ results: z.array(z.looseObject({ name: z.string(), ratio: z.number().optional() })) });
    const { results } = schema.parse(JSON.parse(await readFile(json, 'utf8')));
    expect(results[0]?.ratio).toBeGreaterThan(0);
    expect(results.map(({ name }) => name)).toEqual(['train.partial.vs-pytorch', 'train.overhead-share']);
  });
});
