import { KindredError } from '../../core/errors.js';
import { createRandom } from '../../core/random.js';
import { dot, norm } from '../../core/vectors.js';
import { type BundleInfo, goldenCount } from './schema.js';

/** Largest difference of any value, and least cosine, of an embedding that counts as the same. */
const tolerance = 1e-4;
const leastCosine = 0.9999;

/**
 * Three pictures made from nothing: colour gradients, a checkerboard, and seeded noise. They exercise smooth areas,
 * edges and every frequency, and need no image file.
 * @returns goldenCount × inputSize × inputSize × 3 bytes, for `embedRaw`
 */
export function goldenImages(inputSize: number): Uint8Array {
  const random = createRandom('golden', inputSize);
  const side = inputSize - 1 || 1;
  const square = Math.max(1, Math.round(inputSize / 8));
  const level = (share: number): number => Math.round(255 * share);
  const painters: readonly ((x: number, y: number) => readonly [number, number, number])[] = [
    (x, y) => [level(x / side), level(y / side), level(1 - (x + y) / (2 * side))],
    (x, y) => ((Math.floor(x / square) + Math.floor(y / square)) % 2 === 0 ? [230, 60, 40] : [20, 40, 90]),
    () => [level(random()), level(random()), level(random())],
  ];
  const pixels = new Uint8Array(goldenCount * inputSize * inputSize * 3);
  let at = 0;
  for (const paint of painters) {
    for (let y = 0; y < inputSize; y++) {
      for (let x = 0; x < inputSize; x++, at += 3) pixels.set(paint(x, y), at);
    }
  }
  return pixels;
}

/** `embedRaw`'s result as bundle.json keeps it: one array per picture. */
export function goldenArrays(vectors: Float32Array, dimension: number): number[][] {
  return Array.from({ length: vectors.length / dimension }, (_, index) => [
    ...vectors.subarray(index * dimension, (index + 1) * dimension),
  ]);
}

/**
 * Compares embeddings of the golden images with the bundle's.
 * @param vectors goldenCount × dimension values
 * @throws KindredError bundle-damaged when a value differs by more than 1e-4 or a cosine is below 0.9999
 */
export function checkGolden(vectors: Float32Array, bundle: Pick<BundleInfo, 'golden' | 'dimension'>): void {
  const found = goldenArrays(vectors, bundle.dimension);
  bundle.golden.forEach((values, index) => {
    const expected = Float32Array.from(values);
    const actual = Float32Array.from(found[index] ?? []);
    const difference = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (actual[i] ?? NaN))), 0);
    const cosine = dot(expected, actual) / (norm(expected) * norm(actual));
    // Written so that NaN fails too.
    if (difference <= tolerance && cosine >= leastCosine && actual.length === expected.length) return;
    throw new KindredError(
      'bundle-damaged',
      `the model gives other embeddings here than where it was made (picture ${index + 1}: cosine ${cosine.toFixed(6)}, largest difference ${difference.toExponential(1)})`,
      { hint: 'Check the ONNX Runtime version with kindred doctor, or train or export the model again.' },
    );
  });
}
