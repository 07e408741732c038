import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Network, Parameter } from '../../src/model/graph.js';
import { readBundle, writeBundle } from '../../src/model/bundle.js';
import { goldenArrays, goldenImages } from '../../src/model/bundle/golden.js';
import { createEmbedder } from '../../src/model/embedder.js';
import { writeLayersModel } from '../../src/model/layers/write.js';
import { exportEncoder } from '../../src/model/onnx/export.js';

interface Outcome {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
function kindred(...words: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['bin/kindred.js', ...words], (_, stdout, stderr) => {
      resolve({ exit: child.exitCode, stdout, stderr });
    });
  });
}

let base = '';
const path = (...parts: string[]): string => join(base, ...parts);
const inputSize = 32;
const scale = { multiply: 1 / 127.5, add: -1 };

/**
 * A network that gives a picture's mean colour: a 1×1 convolution, pooling, a dense layer. `ballast` is a fourth channel
 * that says nothing but is that large, so that colours share fewer of the 256 levels.
 */
function colourNetwork(ballast: number): Network {
  const kernel = Float32Array.from({ length: 12 }, (_, i) => (i % 4 === Math.floor(i / 4) ? 1 : 0));
  const parameters = new Map<string, Parameter>([
    ['mix/kernel', { shape: [1, 1, 3, 4], data: kernel }],
    ['mix/bias', { shape: [4], data: Float32Array.of(0, 0, 0, ballast) }],
    ['embedding/kernel', { shape: [4, 3], data: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0) }],
    ['embedding/bias', { shape: [3], data: new Float32Array(3) }],
  ]);
  const linear = { activation: 'linear' } as const;
  return {
    inputShape: [inputSize, inputSize, 3],
    output: 'embedding',
    parameters,
    nodes: [
      {
        ...linear,
        op: 'conv2d',
        name: 'mix',
        inputs: ['input'],
        layers: ['mix'],
        kernel: 'mix/kernel',
        bias: 'mix/bias',
        strides: [1, 1],
        padding: 'same',
      },
      { op: 'global-average-pool', name: 'pool', inputs: ['mix'], layers: ['pool'] },
      {
        ...linear,
        op: 'dense',
        name: 'embedding',
        inputs: ['pool'],
        layers: ['embedding'],
        kernel: 'embedding/kernel',
        bias: 'embedding/bias',
      },
    ],
  };
}

async function writeColourBundle(name: string, ballast: number): Promise<void> {
  const network = colourNetwork(ballast);
  const onnx = exportEncoder(network, scale);
  const embedder = await createEmbedder({ onnx, inputSize, dimension: 3, fingerprint: '', threads: 1 });
  try {
    const golden = goldenArrays(await embedder.embedRaw(goldenImages(inputSize), 3), 3);
    const backbone = { name: 'colours', cut: 'mix', scale, source: 'a test' };
    const nothing = { loss: null, densityTerm: null, training: null, dataset: null, metrics: {} };
    const layers = writeLayersModel(network);
    await writeBundle(path(name), { onnx, layers, inputSize, dimension: 3, golden, backbone, ...nothing });
  } finally {
    await embedder.close();
  }
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kindred-export-'));
  // 22 classes of a hue each; half are for testing, every fifth of the others for validation.
  for (let hue = 0; hue < 22; hue++) {
    await mkdir(path('photos', `hue-${hue}`), { recursive: true });
    for (let shade = 0; shade < 3; shade++) {
      const background = `hsl(${Math.round((hue * 360) / 22) + shade}, 80%, 50%)`;
      const picture = sharp({ create: { width: 40, height: 40, channels: 3, background } });
      await picture.png().toFile(path('photos', `hue-${hue}`, `${shade}.png`));
    }
  }
  const prepared = await kindred('data', 'prepare', 'folder', '--from', path('photos'), '--out', path('data'));
  expect(prepared.exit, prepared.stderr).toBe(0);
  await writeColourBundle('good', 0);
  await writeColourBundle('fragile', 1000);
}, 60_000);
afterAll(() => rm(base, { recursive: true }));

const quantize = (model: string, out: string, ...more: string[]): Promise<Outcome> =>
  kindred('export', path(model), '--quantize', '--data', path('data'), '--out', path(out), '--threads', '1', ...more);

const measured = z.object({
  recallAt1: z.number(),
  mapAtR: z.number(),
  imagesPerSecond: z.number(),
  bytes: z.number(),
});
const answer = z.object({ fingerprint: z.string(), from: z.string(), float: measured, quantized: measured });

describe('kindred export --quantize', () => {
  it('writes a bundle of its own that says what it was made of, and that every command takes', async () => {
    const made = await quantize('good', 'int8', '--json');
    expect(made.exit, made.stderr).toBe(0);
    const { fingerprint, from, float, quantized } = answer.parse(JSON.parse(made.stdout));
    const [before, after] = await Promise.all([readBundle(path('good')), readBundle(path('int8'))]);
    expect([from, fingerprint]).toEqual([before.fingerprint, after.fingerprint]);
    expect(fingerprint).not.toBe(from);
    expect(float.recallAt1).toBe(1);
    expect(quantized.recallAt1).toBe(1);
    expect(Math.min(float.imagesPerSecond, quantized.imagesPerSecond)).toBeGreaterThan(0);
    expect(after.metrics['validation.recall@1']).toBe(1);
    expect(after.quantization).toMatchObject({ from, weights: 'int8', activations: 'uint8', calibrationImages: 27 });
    expect(after.quantization).toMatchObject({ validationImages: 6, quantized: { recallAt1: 1 } });
    expect(Object.keys(after.files)).toEqual(['model.onnx']);

    const indexed = await kindred('index', '--model', path('int8'), '--data', path('data'), '--out', path('index'));
    expect(indexed.exit, indexed.stderr).toBe(0);
    const found = await kindred('search', path('photos', 'hue-3', '0.png'), '--index', path('index'), '--limit', '3');
    expect(found.exit, found.stderr).toBe(0);
    expect(found.stdout.match(/hue-3\b/g)?.length).toBeGreaterThanOrEqual(3);

    const again = await quantize('int8', 'twice');
    expect([again.exit, again.stderr]).toEqual([1, expect.stringContaining('it is quantised already')]);
  }, 60_000);

  it('refuses a model that loses too much, and leaves nothing behind', async () => {
    const before = readdirSync(base).sort();
    const refused = await quantize('fragile', 'lossy');
    expect(refused.exit).toBe(1);
    expect(refused.stderr).toMatch(/\[quantization-loss\].*R@1 falls from 100\.00 to .*nothing was written/);
    expect(refused.stdout).toBe('');
    expect(readdirSync(base).sort()).toEqual(before);

    const allowed = await quantize('fragile', 'lossy', '--max-drop', '1');
    expect(allowed.exit, allowed.stderr).toBe(0);
    expect(allowed.stdout).toMatch(/float32 +100\.00 /);
    expect(allowed.stdout).toMatch(/int8 +\d/);
    expect(existsSync(path('lossy', 'model.onnx'))).toBe(true);
  }, 60_000);

  it('refuses what it cannot do before it measures anything', async () => {
    await writeFile(path('occupied'), 'x');
    const cases: [Promise<Outcome>, number, RegExp][] = [
      [kindred('export', path('good'), '--quantize', '--out', path('x')), 2, /\[usage\].*--quantize needs --data/],
      [kindred('export', path('good')), 2, /\[invalid-option\].*--out is missing/],
      [quantize('good', 'x', '--max-drop', '-0.5'), 2, /\[invalid-option\].*--max-drop/],
      [quantize('good', 'occupied'), 1, /\[output-exists\]/],
      [quantize('absent', 'x'), 1, /\[file-not-found\]/],
    ];
    for (const [outcome, exit, message] of cases) {
      const { stderr, ...rest } = await outcome;
      expect(stderr).toMatch(message);
      expect(rest.exit).toBe(exit);
    }
    expect(existsSync(path('x'))).toBe(false);
  }, 60_000);
});

describe('kindred export', () => {
  it('writes the ONNX graph, says how to feed it, and leaves folders alone', async () => {
    const { exit, stdout } = await kindred('export', path('good'), '--out', path('out.onnx'));
    expect(exit).toBe(0);
    expect(stdout).toMatch(/"pixels": uint8 \[N, 32, 32, 3\].*"embedding": float32 \[N, 3\]/);
    expect(await readFile(path('out.onnx'))).toEqual(await readFile(path('good', 'model.onnx')));
    const folder = await kindred('export', path('good'), '--out', path('good'));
    expect([folder.exit, folder.stderr]).toEqual([1, expect.stringMatching(/\[output-exists\].*is a folder/)]);
    const useless = await kindred('export', path('good'), '--out', path('o'), '--data', path('data'));
    expect([useless.exit, useless.stderr]).toEqual([2, expect.stringContaining('--data is only used with --quantize')]);
  });
});
