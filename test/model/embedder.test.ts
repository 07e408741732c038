import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbedOutcome } from '../../src/core/embedder.js';
import { sha256 } from '../../src/core/hashing.js';
import { createRandom } from '../../src/core/random.js';
import { norm } from '../../src/core/vectors.js';
import { createEmbedder, type OnnxEmbedder } from '../../src/model/embedder.js';
import { tinyEncoder } from './tiny-onnx.js';

const tiny = tinyEncoder();
const { inputSize, dimension } = tiny;
let folder: string;
let embedder: OnnxEmbedder;

const open = (extra: { onnx?: string | Uint8Array; dimension?: number } = {}): Promise<OnnxEmbedder> =>
  createEmbedder({ onnx: tiny.onnx, inputSize, dimension, fingerprint: 'f', threads: 2, ...extra });

/** A picture of one colour, as PNG; what the tiny encoder makes of it is known exactly. */
const plain = async (r: number, g: number, b: number, width = 40, height = 30): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
    .png()
    .toBuffer();
const expectedFor = (...colour: number[]): Float32Array =>
  tiny.expected(
    Uint8Array.from({ length: inputSize * inputSize * 3 }, (_, i) => colour[i % 3] ?? 0),
    1,
  );
const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), a.length === b.length ? 0 : NaN);
const embeddingOf = (outcome: EmbedOutcome | undefined): Float32Array => {
  if (!outcome?.ok) throw new Error(`no embedding: ${outcome?.error.message ?? 'no outcome'}`);
  return outcome.embedding;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kindred-embedder-'));
  embedder = await open();
});
afterAll(async () => {
  await embedder.close();
  await rm(folder, { recursive: true });
});

describe('createEmbedder', () => {
  it('embeds files and bytes alike, with size and hash of the encoded image', async () => {
    const bytes = await plain(200, 30, 90);
    const path = join(folder, 'a.png');
    await writeFile(path, bytes);
    const outcomes = await embedder.embed([
      { image: { path }, hash: true },
      { image: { bytes }, hash: true },
    ]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ ok: true, width: 40, height: 30, contentHash: sha256(bytes) });
      expect(largestDifference(embeddingOf(outcome), expectedFor(200, 30, 90))).toBeLessThan(1e-6);
      expect(norm(embeddingOf(outcome))).toBeCloseTo(1, 6);
    }
  });

  it('keeps the order of many requests', async () => {
    const colours = Array.from({ length: 40 }, (_, i) => [i * 6, 255 - i * 6, (i * 37) % 256] as const);
    const pictures = await Promise.all(colours.map((colour) => plain(...colour)));
    const outcomes = await embedder.embed(pictures.map((bytes) => ({ image: { bytes } })));
    expect(outcomes).toHaveLength(40);
    colours.forEach((colour, index) => {
      expect(largestDifference(embeddingOf(outcomes[index]), expectedFor(...colour))).toBeLessThan(1e-6);
    });
  });

  it('says which image failed and why, and embeds the others', async () => {
    const good = await plain(1, 2, 3);
    const path = join(folder, 'broken.jpg');
    await writeFile(path, (await sharp(good).jpeg().toBuffer()).subarray(0, 120));
    const outcomes = await embedder.embed([
      { image: { bytes: good } },
      { image: { path } },
      { image: { path: join(folder, 'absent.jpg') } },
      { image: { bytes: new TextEncoder().encode('hello') } },
      { image: { bytes: good } },
    ]);
    const codes = outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.error.code));
    expect(codes).toEqual(['ok', 'image-unreadable', 'image-missing', 'image-unsupported', 'ok']);
    expect(outcomes[1]).toMatchObject({ error: { name: 'KindredError' } });
    expect(outcomes[1]?.ok === false && outcomes[1].error.message).toContain(path);
    expect(embeddingOf(outcomes[4])).toEqual(embeddingOf(outcomes[0]));
    // Nobody asked for a hash.
    expect(outcomes[0]).toMatchObject({ ok: true, contentHash: null });
  });

  it('embeds only the box', async () => {
    const [left, right] = await Promise.all([plain(250, 10, 10, 50, 50), plain(10, 10, 250, 50, 50)]);
    const bytes = await sharp({ create: { width: 100, height: 50, channels: 3, background: 'white' } })
      .composite([
        { input: left, left: 0, top: 0 },
        { input: right, left: 50, top: 0 },
      ])
      .png()
      .toBuffer();
    const [outcome] = await embedder.embed([{ image: { bytes }, box: { x: 0.5, y: 0, w: 0.5, h: 1 }, hash: true }]);
    expect(outcome).toMatchObject({ width: 100, height: 50, contentHash: sha256(bytes) });
    expect(largestDifference(embeddingOf(outcome), expectedFor(10, 10, 250))).toBeLessThan(1e-6);
  });

  it('leaves the caller’s bytes as they were, also when they are a view of a larger buffer', async () => {
    const picture = await plain(9, 200, 77);
    const large = new Uint8Array(picture.length + 100);
    large.set(picture, 50);
    const view = large.subarray(50, 50 + picture.length);
    const [outcome] = await embedder.embed([{ image: { bytes: view }, hash: true }]);
    expect(outcome).toMatchObject({ ok: true, contentHash: sha256(picture) });
    expect(large.byteLength).toBe(picture.length + 100);
    expect(Buffer.from(view).equals(picture)).toBe(true);
  });

  it('embeds raw pixels as plain loops do, for any count', async () => {
    const count = 21;
    const random = createRandom('pixels');
    const pixels = Uint8Array.from({ length: count * inputSize * inputSize * 3 }, () =>
      Math.floor(256 * random() ** 3),
    );
    const result = await embedder.embedRaw(pixels, count);
    expect(largestDifference(result, tiny.expected(pixels, count))).toBeLessThan(1e-5);
    expect(await embedder.embedRaw(new Uint8Array(0), 0)).toHaveLength(0);
    await expect(embedder.embedRaw(pixels, count + 1)).rejects.toThrow(RangeError);
  });

  it('gives an empty list for no requests, and describes itself', async () => {
    expect(await embedder.embed([])).toEqual([]);
    expect(embedder).toMatchObject({ dimension, fingerprint: 'f', inputSize, threads: 2 });
    expect(embedder.preferredBatch).toBeGreaterThanOrEqual(8);
  });

  it('opens a model from its path', async () => {
    const path = join(folder, 'model.onnx');
    await writeFile(path, tiny.onnx);
    const other = await open({ onnx: path });
    const [outcome] = await other.embed([{ image: { bytes: await plain(50, 60, 70) } }]);
    expect(largestDifference(embeddingOf(outcome), expectedFor(50, 60, 70))).toBeLessThan(1e-6);
    await other.close();
  });

  it('refuses what is no ONNX model, and a model of another dimension', async () => {
    await expect(open({ onnx: new Uint8Array([1, 2, 3]) })).rejects.toMatchObject({ code: 'bundle-invalid' });
    const wrong = open({ dimension: dimension + 1 });
    await expect(wrong).rejects.toMatchObject({ code: 'bundle-invalid' });
    await expect(wrong).rejects.toThrow('[1, 8], not [1, 9]');
  });

  it('rejects what is waiting when it is closed', async () => {
    const other = await open();
    const bytes = await plain(1, 1, 1, 800, 800);
    const embedding = other.embed(Array.from({ length: 100 }, () => ({ image: { bytes } })));
    const settled = expect(embedding).rejects.toMatchObject({ code: 'interrupted' });
    await other.close();
    await settled;
    await expect(other.embed([{ image: { bytes } }])).rejects.toMatchObject({ code: 'interrupted' });
  });
});
