import { join } from 'node:path';
import { expect, test } from 'vitest';
import { l2Normalize } from '../../src/core/vectors.js';
import { decodeImage } from '../../src/data/decode.js';
import type { GradientEngine } from '../../src/learn/engines/engine.js';
import { checkParity } from '../../src/learn/parity.js';
import { failure, temporaryFolder, writePictures } from '../data/helpers.js';
import { networkBuilder } from '../model/networks.js';

const size = 4;
const scale = { multiply: 1 / 255, add: 0 };
const network = networkBuilder([size, size, 3]).finish();

/** An engine whose embedding of a picture is its scaled pixels. */
const engine: GradientEngine = {
  name: 'fake',
  layout: 'nhwc',
  embed: (activations) => Promise.resolve(activations),
  gradients: () => Promise.reject(new Error('not used here')),
  dispose: () => Promise.resolve(),
};

async function check(exported: (pixels: Float32Array, image: number) => Float32Array) {
  const folder = await temporaryFolder();
  const names = Array.from({ length: 25 }, (_, i) => `${i}.jpg`);
  await writePictures(folder, names);
  const paths = names.map((name) => join(folder, name));
  const done: number[] = [];
  let image = 0;
  const embedRaw = (pixels: Uint8Array, count: number): Promise<Float32Array> => {
    const each = pixels.length / count;
    const rows = Array.from({ length: count }, (_, i) =>
      exported(Float32Array.from(pixels.subarray(i * each, (i + 1) * each)), image++),
    );
    return Promise.resolve(Float32Array.from(rows.flatMap((row) => [...row])));
  };
  const onProgress = (count: number): number => done.push(count);
  const result = checkParity({ network, scale, engine, embedRaw, paths, onProgress });
  return { result, paths, done };
}

test('every picture is compared, as indexing would see it', async () => {
  const seen: Float32Array[] = [];
  const { result, paths, done } = await check((pixels) => {
    seen.push(pixels);
    return l2Normalize(pixels);
  });
  expect(await result).toBeGreaterThan(0.99999);
  expect(done).toEqual([20, 25]);
  expect(seen).toHaveLength(25);
  const decoded = await decodeImage({ path: paths[24] ?? '' }, { size });
  expect([...(seen[24] ?? [])]).toEqual([...decoded.data]);
});

test.each([
  ['turned away', (pixels: Float32Array) => l2Normalize(pixels.map((value, i) => value + (i === 0 ? 40 : 0)))],
  ['no number', (pixels: Float32Array) => pixels.map(() => NaN)],
])('one picture whose embedding is %s fails the export and is named', async (_, wrong) => {
  const { result, paths } = await check((pixels, image) => (image === 22 ? wrong(pixels) : l2Normalize(pixels)));
  const error = await failure(result);
  expect(error.code).toBe('export-mismatch');
  expect(error.message).toContain(paths[22]);
});
