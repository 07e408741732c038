import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createRandom, shuffled } from '../../src/core/random.js';
import { unitRows } from '../../src/learn/distances/unit-rows.js';
import { createBatchLayout } from '../../src/learn/losses/batch-layout.js';
import type { Loss } from '../../src/learn/losses/loss.js';
import {
  type Batch,
  differences,
  evaluateLoss,
  largestDifference,
  randomBatch,
  randomRotation,
  rotate,
  type Rows,
  shapes,
  toTensor,
  useBackend,
} from '../learn/losses/batches.js';
import type { NaiveLoss } from '../learn/losses/naive.js';

const weightsFor = (m: number): number[] => Array.from({ length: m }, (_, c) => (c + 1) / (m + 1));

/** What every loss must do. `naive` is the same loss in plain loops; `gateKeepsValue`: w scales gradients only. */
export function describeLoss(title: string, loss: Loss, naive: NaiveLoss, gateKeepsValue: boolean): void {
  const value = ({ rows, m, k }: Batch, weights?: number[], frozen?: Rows): number =>
    naive({ rows, m, k, weights, frozen });

  describe(title, () => {
    beforeAll(() => useBackend('cpu'));

    test.each(shapes)('has the value of plain loops, and their gradient: %o', (shape) => {
      const batch = randomBatch(shape, 1);
      const actual = evaluateLoss(loss, batch);
      expect(actual.value).toBeGreaterThan(0);
      expect(largestDifference([actual.value], [value(batch)])).toBeLessThan(1e-5);
      const expected = differences(batch.rows, (rows) => value({ ...batch, rows }));
      expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(1e-3);
      expect(largestDifference(actual.gradient, expected)).toBeLessThan(2e-5);
    });

    test.each(shapes)('weighs the attraction of each class: %o', (shape) => {
      const batch = randomBatch(shape, 1);
      const weights = weightsFor(shape.m);
      const actual = evaluateLoss(loss, batch, weights);
      const expected = differences(batch.rows, (rows) => value({ ...batch, rows }, weights, batch.rows));
      expect(largestDifference(actual.gradient, expected)).toBeLessThan(2e-5);
      const free = evaluateLoss(loss, batch);
      expect(largestDifference(actual.gradient, free.gradient)).toBeGreaterThan(1e-3);
      if (gateKeepsValue) expect(actual.value).toBe(free.value);
      else expect(largestDifference([actual.value], [value(batch, weights)])).toBeLessThan(1e-5);
    });

    test('an attraction of 1 changes nothing', () => {
      const batch = randomBatch({ m: 4, k: 3, d: 8 }, 3);
      expect(evaluateLoss(loss, batch, [1, 1, 1, 1])).toEqual(evaluateLoss(loss, batch));
    });

    test('does not depend on the order of classes or of the positions in them, nor on rotation', () => {
      fc.assert(
        fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 2, max: 4 }), fc.integer(), (m, k, seed) => {
          const batch = randomBatch({ m, k, d: 5 }, seed);
          const random = createRandom('order', seed);
          const classes = Array.from({ length: m }, (_, c) => batch.rows.slice(c * k, (c + 1) * k));
          // N-pair pairs images by their position, so every class is reordered alike.
          const positions = shuffled([...Array(k).keys()], random);
          const reordered = shuffled(classes, random).flatMap((images) => positions.map((i) => images[i] ?? []));
          const before = evaluateLoss(loss, batch).value;
          expect(before).toBeGreaterThanOrEqual(-1e-6);
          for (const rows of [reordered, rotate(batch.rows, randomRotation(5, seed))]) {
            expect(largestDifference([evaluateLoss(loss, { m, k, rows }).value], [before])).toBeLessThan(1e-4);
          }
        }),
        { numRuns: 30, seed: 7 },
      );
    });

    if (loss.normalized) {
      test('ignores the length of embeddings, and its gradient is at right angles to them', () => {
        const batch = randomBatch({ m: 4, k: 3, d: 8 }, 4);
        const longer = { ...batch, rows: batch.rows.map((row, i) => row.map((x) => x * (i + 1))) };
        const { value: before, gradient } = evaluateLoss(loss, batch);
        expect(largestDifference([evaluateLoss(loss, longer).value], [before])).toBeLessThan(1e-5);
        batch.rows.forEach((row, i) => {
          const along = row.reduce((sum, x, j) => sum + x * (gradient[i * row.length + j] ?? NaN), 0);
          expect(Math.abs(along)).toBeLessThan(1e-5);
        });
      });
    }

    test('stays finite where embeddings coincide or are zero', () => {
      for (const row of [
        [1, 2, 2],
        [0, 0, 0],
      ]) {
        const collapsed = { m: 3, k: 2, rows: Array.from({ length: 6 }, () => row) };
        const { value: collapsedValue, gradient } = evaluateLoss(loss, collapsed, [0.5, 0, 1]);
        expect(Number.isFinite(collapsedValue)).toBe(true);
        expect(gradient.every(Number.isFinite)).toBe(true);
      }
    });

    test('leaves no tensors behind', () => {
      const batch = randomBatch({ m: 4, k: 3, d: 8 }, 5);
      const before = tf.memory().numTensors;
      const layout = createBatchLayout(batch.m, batch.k);
      const x = toTensor(batch.rows);
      const attraction = tf.tensor1d(weightsFor(batch.m));
      const step = (): void => {
        const compute = (embeddings: tf.Tensor2D): tf.Scalar =>
          loss.compute({ embeddings, unit: unitRows(embeddings), layout, attraction });
        const { value: scalar, grad } = tf.valueAndGrad<tf.Tensor2D, tf.Scalar>(compute)(x);
        tf.dispose([scalar, grad, tf.tidy(() => compute(x))]);
      };
      step();
      const afterFirst = tf.memory().numTensors;
      step();
      step();
      expect(tf.memory().numTensors).toBe(afterFirst);
      layout.dispose();
      tf.dispose([x, attraction]);
      expect(tf.memory().numTensors).toBe(before);
    });

    test('the wasm backend agrees with the cpu backend, value and gradient', async () => {
      const cases = shapes.flatMap((shape) => {
        const batch = randomBatch(shape, 6);
        return [undefined, weightsFor(shape.m)].map((weights) => ({ batch, weights }));
      });
      const onCpu = cases.map(({ batch, weights }) => evaluateLoss(loss, batch, weights));
      await useBackend('wasm');
      try {
        const onWasm = cases.map(({ batch, weights }) => evaluateLoss(loss, batch, weights));
        onWasm.forEach((actual, i) => {
          expect(largestDifference([actual.value], [onCpu[i]?.value ?? NaN])).toBeLessThan(1e-4);
          expect(largestDifference(actual.gradient, onCpu[i]?.gradient ?? [])).toBeLessThan(1e-4);
        });
      } finally {
        await useBackend('cpu');
      }
    });
  });
}
