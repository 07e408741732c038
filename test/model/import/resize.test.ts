import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbedder } from '../../../src/compose.js';
import { decodeImage } from '../../../src/data/decode.js';
import { importEncoder } from '../../../src/model/import/import.js';
import { presets } from '../../../src/model/import/options.js';
import { writeBundle } from '../../../src/model/bundle.js';
import { dimension, expected, inputSize, matrix, meanColour, times } from './encoders.js';

const resize = 30;
let folder = '';
let photo = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kindred-resize-'));
  photo = join(folder, 'photo.png');
  // Colours that change towards every edge, so that another crop has other mean colours.
  const [width, height] = [61, 45];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return [255 * (x / width) ** 3, 255 * (y / height) ** 2, 255 * Math.abs(x / width - y / height)][i % 3] ?? 0;
  });
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(photo);
});
afterAll(() => rm(folder, { recursive: true }));

describe('resizing to more than the input', () => {
  it('cuts the input out of the centre of the larger square', async () => {
    const small = await decodeImage({ path: photo }, { size: inputSize, resize });
    const large = await decodeImage({ path: photo }, { size: resize });
    const border = (resize - inputSize) / 2;
    const cut = Array.from({ length: inputSize }, (_, row) => {
      const start = ((row + border) * resize + border) * 3;
      return [...large.data.subarray(start, start + 3 * inputSize)];
    });
    expect([...small.data]).toEqual(cut.flat());
  });

  it('is what a bundle does that was imported so, and part of its fingerprint', async () => {
    const options = { ...presets.get('clip'), pooling: 'none' } as const;
    const plain = await writeBundle(join(folder, 'plain'), await importEncoder(meanColour(), 'a.onnx', options));
    const parts = await importEncoder(meanColour(), 'a.onnx', { ...options, resize });
    const wide = await writeBundle(join(folder, 'wide'), parts);
    expect(wide.fingerprint).not.toBe(plain.fingerprint);
    expect(wide.preprocessing.resize).toContain('30 px');
    const { data } = await decodeImage({ path: photo }, { size: inputSize, resize });
    const [wanted = []] = expected(data, options, times(matrix(dimension)));
    const embedder = await openEmbedder(wide.folder, { threads: 1 });
    try {
      const [outcome] = await embedder.embed([{ image: { path: photo } }]);
      if (!outcome?.ok) throw new Error('the picture was not embedded');
      wanted.forEach((value, d) => expect(outcome.embedding[d]).toBeCloseTo(value, 5));
    } finally {
      await embedder.close();
    }
  });

  it('must be at least the input', async () => {
    const attempt = importEncoder(meanColour(), 'a.onnx', { ...presets.get('clip'), pooling: 'none', resize: 19 });
    await expect(attempt).rejects.toThrow('cannot be resized to 19 px and cut to 20');
  });
});
