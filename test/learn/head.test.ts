import { expect, test } from 'vitest';
import { headParameters, orthogonal, withHead, withPooling } from '../../src/learn/head.js';
import { inferShapes } from '../../src/model/shapes.js';
import { naiveForward, relativeDifference } from '../model/naive.js';
import { networkBuilder, randomValues } from '../model/networks.js';

function backbone() {
  const builder = networkBuilder([4, 4, 3]);
  builder.conv('input', 6, { activation: 'relu6' });
  return builder.finish();
}

/** aᵀ·b of two columns of a [rows, columns] matrix. */
const product = (data: Float32Array, columns: number, a: number, b: number): number => {
  let sum = 0;
  for (let at = 0; at < data.length; at += columns) sum += (data[at + a] ?? NaN) * (data[at + b] ?? NaN);
  return sum;
};

test.each([
  [8, 5],
  [40, 40],
  [300, 128],
])('a head of %i × %i has orthonormal columns', (rows, columns) => {
  const data = orthogonal(rows, columns, 3);
  expect(data).toHaveLength(rows * columns);
  for (let a = 0; a < columns; a++) {
    for (let b = 0; b <= a; b++) expect(product(data, columns, a, b)).toBeCloseTo(a === b ? 1 : 0, 4);
  }
});

test('a head wider than its input has orthonormal rows', () => {
  const data = orthogonal(4, 9, 3);
  for (let a = 0; a < 4; a++) {
    for (let b = 0; b <= a; b++) {
      const sum = data
        .subarray(a * 9, a * 9 + 9)
        .reduce((total, value, i) => total + value * (data[b * 9 + i] ?? NaN), 0);
      expect(sum).toBeCloseTo(a === b ? 1 : 0, 5);
    }
  }
});

test('depends on the seed alone', () => {
  expect(orthogonal(6, 4, 1)).toEqual(orthogonal(6, 4, 1));
  expect(orthogonal(6, 4, 1)).not.toEqual(orthogonal(6, 4, 2));
});

test('averages over all positions, then projects', () => {
  const network = withHead(backbone(), 5, 7);
  expect(inferShapes(network).get(network.output)).toEqual([5]);
  expect([...headParameters].every((name) => network.parameters.has(name))).toBe(true);
  const input = randomValues(2 * 48, 'input');
  const features = naiveForward(backbone(), input, 2);
  const kernel = network.parameters.get('embedding/kernel')?.data ?? [];
  const expected = [0, 1].flatMap((image) => {
    const pooled = Array.from({ length: 6 }, (_, c) => {
      const all = features.slice(image * 96, (image + 1) * 96).filter((_value, i) => i % 6 === c);
      return all.reduce((a, b) => a + b, 0) / 16;
    });
    return Array.from({ length: 5 }, (_, d) =>
      pooled.reduce((sum, value, c) => sum + value * (kernel[c * 5 + d] ?? NaN), 0),
    );
  });
  expect(relativeDifference(naiveForward(network, input, 2), expected)).toBeLessThan(1e-6);
});

test('an untrained backbone is compared by the average over all positions', () => {
  const input = randomValues(48, 'input');
  const features = naiveForward(backbone(), input, 1);
  const expected = Array.from(
    { length: 6 },
    (_, c) => features.filter((_value, i) => i % 6 === c).reduce((a, b) => a + b, 0) / 16,
  );
  expect(relativeDifference(naiveForward(withPooling(backbone()), input, 1), expected)).toBeLessThan(1e-6);
});
