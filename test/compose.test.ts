import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openEmbedder, openUntrainedEmbedder, openUntrainedFor } from '../src/compose.js';
import { dot } from '../src/core/vectors.js';
import { loadNsfwjs } from '../src/learn/backbones/nsfwjs.js';
import { withHead } from '../src/learn/head.js';
import { goldenArrays, goldenImages } from '../src/model/bundle/golden.js';
import { writeBundle } from '../src/model/bundle.js';
import { createEmbedder } from '../src/model/embedder.js';
import { exportEncoder } from '../src/model/onnx/export.js';
import { failure } from './data/helpers.js';

const [inputSize, dimension] = [32, 8];
const threads = 1;
const cut = 'block_3_expand_relu';
let base = '';

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kindred-compose-'));
  const backbone = await loadNsfwjs({ cut });
  const onnx = exportEncoder(withHead(backbone.network(inputSize), dimension, 0), backbone.scale);
  const embedder = await createEmbedder({ onnx, inputSize, dimension, fingerprint: 'x', threads });
  const golden = goldenArrays(await embedder.embedRaw(goldenImages(inputSize), 3), dimension);
  await embedder.close();
  const rest = {
    inputSize,
    dimension,
    backbone: { name: backbone.name, cut, scale: backbone.scale, source: backbone.source },
    loss: { name: 'contrastive', options: {} },
    densityTerm: null,
    training: {
      steps: 1,
      batch: { classes: 2, imagesPerClass: 2 },
      learningRates: { head: 1e-3, backbone: 1e-4 },
      seed: 0,
      trainFrom: 'all',
      backend: 'onnx',
    },
    dataset: { name: 'none', splitHash: 'none', trainClasses: [], counts: {} },
    metrics: {},
  };
  await writeBundle(join(base, 'model'), { ...rest, onnx, golden });
  const [first = [], ...others] = golden;
  const elsewhere = [first.map((value, i) => (i === 0 ? value + 2e-4 : value)), ...others];
  await writeBundle(join(base, 'elsewhere'), { ...rest, onnx, golden: elsewhere });
});
afterAll(() => rm(base, { recursive: true, force: true }));

describe('opening a bundle', () => {
  test('gives an embedder with the bundle’s facts and unit embeddings', async () => {
    const embedder = await openEmbedder(join(base, 'model'), { threads });
    try {
      expect(embedder).toMatchObject({ dimension, inputSize, fingerprint: embedder.bundle.fingerprint });
      const vectors = await embedder.embedRaw(goldenImages(inputSize), 3);
      const vector = vectors.subarray(0, dimension);
      expect(dot(vector, vector)).toBeCloseTo(1, 5);
    } finally {
      await embedder.close();
    }
  });

  test('is refused when the model gives other embeddings than where it was made', async () => {
    const error = await failure(openEmbedder(join(base, 'elsewhere'), { threads }));
    expect(error.code).toBe('bundle-damaged');
    expect(error.message).toContain('picture 1');
  });

  test('is refused when golden vectors or the graph were changed by hand', async () => {
    const path = join(base, 'model', 'bundle.json');
    const text = await readFile(path, 'utf8');
    const info = z.looseObject({ golden: z.array(z.array(z.number())) }).parse(JSON.parse(text));
    await writeFile(path, JSON.stringify({ ...info, golden: info.golden.toReversed() }));
    expect((await failure(openEmbedder(join(base, 'model'), { threads }))).code).toBe('bundle-damaged');
    await writeFile(path, text);
    const graph = await readFile(join(base, 'model', 'model.onnx'));
    const changed = Buffer.from(graph);
    changed[changed.length - 9] = (changed[changed.length - 9] ?? 0) ^ 1;
    await writeFile(join(base, 'model', 'model.onnx'), changed);
    const error = await failure(openEmbedder(join(base, 'model'), { threads }));
    expect(error).toMatchObject({ code: 'bundle-damaged' });
    expect(error.message).toContain('model.onnx');
    await writeFile(join(base, 'model', 'model.onnx'), graph);
  });

  test('of nothing says how to make one', async () => {
    expect((await failure(openEmbedder(join(base, 'nothing')))).hint).toContain('kindred train');
  });
});

test('the untrained backbone of a bundle is the one that its name, cut and size give', async () => {
  const model = await openEmbedder(join(base, 'model'), { threads });
  const own = await openUntrainedFor(model.bundle, { threads });
  const named = await openUntrainedEmbedder({ backbone: 'nsfwjs-mobilenet-v2', backboneCut: cut, inputSize, threads });
  try {
    expect(own.dimension).toBe(144);
    expect(own.fingerprint).toBe(named.fingerprint);
    expect(own.fingerprint).not.toBe(model.fingerprint);
  } finally {
    await Promise.all([model, own, named].map((embedder) => embedder.close()));
  }
});
