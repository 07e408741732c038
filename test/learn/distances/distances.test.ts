import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { squaredDistanceGradient, squaredDistances } from '../../../src/learn/distances/squared-euclidean.js';
import { unitRows } from '../../../src/learn/distances/unit-rows.js';
import { detached, scalarWithGradient, weightedSum } from '../../../src/learn/gradient.js';
import { differences, largestDifference, randomBatch, toTensor, useBackend } from '../losses/batches.js';
import { squared, unit } from '../losses/naive.js';

const { rows } = randomBatch({ m: 3, k: 2, d: 4 }, 11);

describe.each(['cpu', 'wasm'] as const)('on the %s backend', (backend) => {
  beforeAll(() => useBackend(backend));

  test('squared distances are those of plain loops, never negative, 0 to itself', () => {
    const expected = rows.flatMap((a) => rows.map((b) => squared(a, b)));
    const actual = squaredDistances(toTensor(rows)).dataSync();
    expect(largestDifference(actual, expected)).toBeLessThan(1e-5);
    expect(Math.min(...actual)).toBeGreaterThanOrEqual(0);
    const by90 = squaredDistances(toTensor([[1, 0], [0, 2]])); // prettier-ignore
    expect(by90.arraySync()).toEqual([
      [0, 5],
      [5, 0],
    ]);
  });

  test('the gradient of a weighted sum of squared distances', () => {
    const weights = rows.map((_, i) => rows.map((__, j) => Math.sin(3 * i + j)));
    const actual = squaredDistanceGradient(toTensor(rows), toTensor(weights)).dataSync();
    const expected = differences(rows, (moved) => {
      const terms = moved.flatMap((a, i) => moved.map((b, j) => (weights[i]?.[j] ?? NaN) * squared(a, b)));
      return terms.reduce((sum, term) => sum + term, 0);
    });
    expect(largestDifference(actual, expected)).toBeLessThan(1e-5);
  });

  test('unit rows and their gradient', () => {
    expect(largestDifference(unitRows(toTensor(rows)).dataSync(), unit(rows).flat())).toBeLessThan(1e-6);
    const direction = rows.map((row, i) => row.map((_, j) => Math.cos(5 * i + j)));
    const run = tf.valueAndGrad<tf.Tensor2D, tf.Scalar>((x) => {
      const units = unitRows(x);
      return scalarWithGradient(units, () => ({
        value: tf.sum(tf.mul(units, toTensor(direction))),
        gradient: toTensor(direction),
      }));
    });
    const expected = differences(rows, (moved) =>
      unit(moved).reduce((sum, row, i) => sum + row.reduce((s, x, j) => s + x * (direction[i]?.[j] ?? NaN), 0), 0),
    );
    expect(largestDifference(run(toTensor(rows)).grad.dataSync(), expected)).toBeLessThan(1e-5);
  });

  test('a zero row stays zero', () => {
    expect([...unitRows(tf.zeros([1, 3])).dataSync()]).toEqual([0, 0, 0]);
  });

  test('no gradient flows through what is detached; a weighted sum weighs both', () => {
    const half = (x: tf.Tensor2D, weight: tf.Tensor): tf.Scalar =>
      scalarWithGradient(x, () => ({ value: tf.sum(tf.mul(x, weight)), gradient: tf.mul(tf.onesLike(x), weight) }));
    const run = tf.valueAndGrad<tf.Tensor2D, tf.Scalar>((x) => {
      const constant = detached(() => tf.square(x));
      return weightedSum(half(x, constant), half(x, tf.scalar(1)), 10);
    });
    const { value, grad } = run(tf.tensor2d([[2, 3]]));
    expect(value.dataSync()[0]).toBe(8 + 27 + 50);
    expect([...grad.dataSync()]).toEqual([14, 19]);
  });
});
