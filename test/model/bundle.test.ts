import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sha256 } from '../../src/core/hashing.js';
import { version } from '../../src/core/version.js';
import { type BundleParts, readBundle, writeBundle } from '../../src/model/bundle.js';
import { fingerprintOf } from '../../src/model/bundle/fingerprint.js';
import { checkGolden, goldenArrays, goldenImages } from '../../src/model/bundle/golden.js';
import { preprocessing } from '../../src/model/bundle/schema.js';
import { tinyEncoder } from './tiny-onnx.js';

const tiny = tinyEncoder();
const { onnx, inputSize, dimension } = tiny;
const golden = goldenArrays(tiny.expected(goldenImages(inputSize), 3), dimension);
const parts: BundleParts = {
  onnx,
  layers: { json: '{"modelTopology":{}}', weights: new Uint8Array([1, 2, 3]) },
  extra: { 'history.jsonl': '{"step":1}\n' },
  inputSize,
  dimension,
  golden,
  backbone: { name: 'tiny', cut: 'last', scale: { multiply: 1, add: 0 }, source: 'a test' },
  loss: { name: 'contrastive', options: { margin: 0.5 } },
  densityTerm: { name: 'gate', options: { kappa: 4 } },
  training: {
    steps: 10,
    batch: { classes: 16, imagesPerClass: 4 },
    learningRates: { head: 1e-3, backbone: 1e-4 },
    seed: 1,
    trainFrom: 'all',
    backend: 'cpu',
  },
  dataset: { name: 'd', splitHash: 'h', trainClasses: ['a', 'b'], counts: { trainImages: 8 } },
  metrics: { 'recall@1': 0.75 },
};

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kindred-bundle-'));
  folder = join(root, 'model');
});
afterEach(() => rm(root, { recursive: true }));

const infoOf = async (): Promise<Record<string, unknown>> =>
  z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(join(folder, 'bundle.json'), 'utf8')));
const change = async (patch: Record<string, unknown>): Promise<void> =>
  writeFile(join(folder, 'bundle.json'), JSON.stringify({ ...(await infoOf()), ...patch }));

describe('writeBundle and readBundle', () => {
  it('give back what was written, with hashes, fingerprint and version', async () => {
    const written = await writeBundle(folder, parts);
    const read = await readBundle(folder);
    expect(read).toEqual(written);
    const { onnx: graph, layers, extra, ...rest } = parts;
    expect(read).toMatchObject(rest);
    expect(read.kindred).toBe(version);
    expect(read.fingerprint).toBe(fingerprintOf({ onnx: graph, preprocessing, dimension }));
    expect(read.files).toEqual({
      'model.onnx': sha256(graph),
      'model.json': sha256(layers?.json ?? ''),
      'weights.bin': sha256(layers?.weights ?? ''),
      'history.jsonl': sha256(extra?.['history.jsonl'] ?? ''),
    });
    expect(Buffer.from(graph).equals(await readFile(read.onnxPath))).toBe(true);
    expect(await readdir(root)).toEqual(['model']);
  });

  it('take a model with nothing to say about its training', async () => {
    const { layers, extra, ...rest } = parts;
    expect([layers, extra]).not.toContain(undefined);
    await writeBundle(folder, { ...rest, loss: null, densityTerm: null, training: null, dataset: null, metrics: {} });
    expect(await readBundle(folder)).toMatchObject({ loss: null, densityTerm: null, training: null, dataset: null });
    expect((await readdir(folder)).sort()).toEqual(['bundle.json', 'model.onnx']);
  });

  it('replace an older bundle, and nothing else', async () => {
    await writeBundle(folder, parts);
    await writeBundle(folder, { ...parts, metrics: { 'recall@1': 0.9 } });
    expect((await readBundle(folder)).metrics).toEqual({ 'recall@1': 0.9 });
    const other = join(root, 'photos');
    await mkdir(other);
    await writeFile(join(other, 'a.jpg'), 'x');
    await expect(writeBundle(other, parts)).rejects.toMatchObject({ code: 'output-exists' });
    await expect(writeBundle(join(other, 'a.jpg'), parts)).rejects.toMatchObject({ code: 'output-exists' });
    expect(await readdir(other)).toEqual(['a.jpg']);
  });

  it('write nothing when the parts do not fit together', async () => {
    const wrong = writeBundle(folder, { ...parts, golden: golden.slice(1) });
    await expect(wrong).rejects.toMatchObject({ code: 'bundle-invalid' });
    await expect(wrong).rejects.toThrow('golden');
    expect(await readdir(root)).toEqual([]);
  });

  it.each(['model.onnx', 'model.json', 'weights.bin', 'history.jsonl'])('find a changed %s', async (name) => {
    await writeBundle(folder, parts);
    const bytes = await readFile(join(folder, name));
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(join(folder, name), bytes);
    await expect(readBundle(folder)).rejects.toMatchObject({ code: 'bundle-damaged' });
    await expect(readBundle(folder)).rejects.toThrow(join(folder, name));
  });

  it('find a missing file', async () => {
    await writeBundle(folder, parts);
    await rm(join(folder, 'weights.bin'));
    await expect(readBundle(folder)).rejects.toThrow(/weights\.bin is missing/);
  });

  it.each([
    ['bundle-damaged', { dimension: 4, golden: golden.map((one) => one.slice(0, 4)) }],
    ['bundle-damaged', { fingerprint: '0'.repeat(64) }],
    ['bundle-damaged', { preprocessing: { ...preprocessing, background: 'black' } }],
    ['bundle-damaged', { files: {} }],
    ['bundle-invalid', { files: { '../x': '0'.repeat(64) } }],
    ['bundle-invalid', { inputSize: 'large' }],
    ['bundle-invalid', { golden: [[1]] }],
  ] as const)('find a changed bundle.json (%s, case %#)', async (code, patch) => {
    await writeBundle(folder, parts);
    await change(patch);
    await expect(readBundle(folder)).rejects.toMatchObject({ code });
    await expect(readBundle(folder)).rejects.toThrow(Object.keys(patch)[0] === 'inputSize' ? 'inputSize' : folder);
  });

  it('refuse a bundle of a newer kindred and say so', async () => {
    await writeBundle(folder, parts);
    await change({ formatVersion: 2, backbone: 'all different' });
    await expect(readBundle(folder)).rejects.toMatchObject({ code: 'bundle-invalid' });
    await expect(readBundle(folder)).rejects.toThrow('format 2');
  });

  it('tell a missing folder, a folder that is no bundle and an unreadable bundle.json apart', async () => {
    await expect(readBundle(folder)).rejects.toMatchObject({ code: 'file-not-found' });
    await expect(readBundle(root)).rejects.toMatchObject({ code: 'bundle-invalid' });
    await writeFile(join(root, 'bundle.json'), '{');
    await expect(readBundle(root)).rejects.toMatchObject({ code: 'bundle-damaged' });
    await expect(readBundle(join(root, 'bundle.json'))).rejects.toMatchObject({ code: 'bundle-invalid' });
  });
});

describe('fingerprintOf', () => {
  it('depends on graph, preprocessing and dimension, not on the order of keys', () => {
    const base = fingerprintOf({ onnx, preprocessing, dimension });
    const reversed = z.object(shapeOf()).parse(Object.fromEntries(Object.entries(preprocessing).reverse()));
    expect(fingerprintOf({ onnx, preprocessing: reversed, dimension })).toBe(base);
    expect(fingerprintOf({ onnx, preprocessing, dimension: dimension + 1 })).not.toBe(base);
    expect(fingerprintOf({ onnx, preprocessing: { ...preprocessing, version: 2 }, dimension })).not.toBe(base);
    expect(fingerprintOf({ onnx: Uint8Array.from([...onnx, 0]), preprocessing, dimension })).not.toBe(base);
  });
});

/** preprocessing's fields in reverse, because zod's objects keep the order of the schema. */
function shapeOf() {
  const text = z.string();
  return { pixels: text, crop: text, resize: text, background: text, orientation: text, version: z.number() };
}

describe('golden vectors', () => {
  const flat = Float32Array.from(golden.flat());
  const bundle = { golden, dimension };

  it('use three different pictures, the same every time', () => {
    const pixels = goldenImages(32);
    expect(pixels).toHaveLength(3 * 32 * 32 * 3);
    expect(goldenImages(32)).toEqual(pixels);
    expect(sha256(pixels)).toBe('aba2bf9149a76718784d7dd69419ced0dac3c19db7cc73fb85f4581547700d38');
    const third = (index: number): string => sha256(pixels.subarray(index * 3072, (index + 1) * 3072));
    expect(new Set([third(0), third(1), third(2)]).size).toBe(3);
  });

  it('accept any difference within 1e-4, and none beyond it', () => {
    expect(() => checkGolden(flat, bundle)).not.toThrow();
    fc.assert(
      fc.property(fc.nat(flat.length - 1), fc.double({ min: -9e-5, max: 9e-5, noNaN: true }), (at, shift) => {
        expect(() => checkGolden(flat.with(at, (flat[at] ?? 0) + shift), bundle)).not.toThrow();
      }),
    );
    fc.assert(
      fc.property(fc.nat(flat.length - 1), fc.double({ min: 1.1e-4, max: 1 }), (at, shift) => {
        expect(() => checkGolden(flat.with(at, (flat[at] ?? 0) + shift), bundle)).toThrow(/other embeddings/);
      }),
    );
  });

  it('refuse NaN and embeddings of another length', () => {
    expect(() => checkGolden(flat.with(5, NaN), bundle)).toThrow(/other embeddings/);
    expect(() => checkGolden(flat.subarray(1), bundle)).toThrow(/other embeddings/);
  });
});
