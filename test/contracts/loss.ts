import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createRandom, shuffled } from '../../src/core/random.js';
import { unitRows } from '../../src/learn/distances/unit-rows.js';
import { lossGradient } from '../../src/learn/loss-gradient.js';
import { createBatchLayout } from '../../src/learn/losses/batch-layout.js';
import type { Loss } from '../../src/learn/losses/loss.js';
import {
  type Batch,
  type Beyond,
  contextOf,
  differences,
  evaluateLoss,
  largestDifference,
  ownRows,
  randomBatch,
  randomRotation,
  rotate,
  type Rows,
  shapes,
  toTensor,
  useBackend,
} from '../learn/losses/batches.js';
import { type NaiveLoss, unit } from '../learn/losses/naive.js';

const weightsFor = (m: number): number[] => Array.from({ length: m }, (_, c) => (c + 1) / (m + 1));

/** Earlier embeddings of the batch's classes and of another one. */
function pastFor({ m, rows }: Batch): { row: number[]; c: number }[] {
  const past = randomBatch({ m: m + 1, k: 2, d: rows[0]?.length ?? 0 }, 12);
  return unit(past.rows).map((row, i) => ({ row, c: (2 * Math.floor(i / 2)) % (m + 1) }));
}

/** What every loss must do. `naive` is the same loss in plain loops; `gateKeepsValue`: w scales gradients only; `drawsByLot`: each image
 * has its own lot; `brief`: for a variant of a loss that runs in full elsewhere. */
export function describeLoss(
  title: string,
  loss: Loss,
  naive: NaiveLoss,
  gateKeepsValue: boolean,
  { drawsByLot = false, tolerance = 2e-5, brief = false } = {},
): void {
  // Weights without a gradient are frozen at the batch itself.
  const value = (batch: Batch, weights?: number[], frozen: Rows = batch.rows, beyond: Beyond = {}): number =>
    naive({ ...batch, weights, frozen, own: ownRows(loss, batch), ...beyond });

  const tried = brief ? shapes.slice(1, 3) : shapes;

  describe(title, () => {
    beforeAll(() => useBackend('cpu'));

    test.each(tried)('has the value of plain loops, and their gradient: %o', (shape) => {
      const batch = randomBatch(shape, 1);
      const actual = evaluateLoss(loss, batch);
      expect(actual.value).toBeGreaterThan(0);
      expect(largestDifference([actual.value], [value(batch)])).toBeLessThan(1e-5);
      const expected = differences(batch.rows, (rows) => value({ ...batch, rows }, undefined, batch.rows));
      expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(1e-3);
      expect(largestDifference(actual.gradient, expected)).toBeLessThan(tolerance);
    });

    test.each(tried)('weighs the attraction of each class: %o', (shape) => {
      const batch = randomBatch(shape, 1);
      const weights = weightsFor(shape.m);
      const actual = evaluateLoss(loss, batch, weights);
      const expected = differences(batch.rows, (rows) => value({ ...batch, rows }, weights, batch.rows));
      expect(largestDifference(actual.gradient, expected)).toBeLessThan(tolerance);
      const free = evaluateLoss(loss, batch);
      expect(largestDifference(actual.gradient, free.gradient)).toBeGreaterThan(1e-3);
      if (gateKeepsValue) expect(actual.value).toBe(free.value);
      else expect(largestDifference([actual.value], [value(batch, weights)])).toBeLessThan(1e-5);
    });

    if (loss.memory) {
      test.each([shapes[0], shapes[2]])('holds the batch against the cross-batch memory too: %o', (shape) => {
        const batch = randomBatch(shape, 8);
        const beyond = { past: pastFor(batch) };
        for (const weights of [undefined, weightsFor(shape.m)]) {
          const actual = evaluateLoss(loss, batch, weights, beyond);
          const expected = differences(batch.rows, (rows) => value({ ...batch, rows }, weights, batch.rows, beyond));
          expect(largestDifference(actual.gradient, expected)).toBeLessThan(tolerance);
          expect(largestDifference([actual.value], [value(batch, weights, batch.rows, beyond)])).toBeLessThan(1e-5);
        }
        const alone = evaluateLoss(loss, batch);
        expect(evaluateLoss(loss, batch, undefined, beyond).value).not.toBe(alone.value);
      });
    }

    if (brief) return;

    test('an attraction of 1 changes nothing', () => {
      const batch = randomBatch({ m: 4, k: 3, d: 8 }, 3);
      expect(evaluateLoss(loss, batch, [1, 1, 1, 1])).toEqual(evaluateLoss(loss, batch));
    });

    test('does not depend on the order of classes or of the positions in them, nor on rotation', () => {
      fc.assert(
        fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 2, max: 4 }), fc.integer(), (m, k, seed) => {
          const batch = randomBatch({ m, k, d: 5 }, seed);
          const random = createRandom('order', seed);
          const classes = Array.from({ length: m }, (_, c) => ({ c, images: batch.rows.slice(c * k, (c + 1) * k) }));
          // N-pair pairs images by their position, so every class is reordered alike.
          const positions = shuffled([...Array(k).keys()], random);
          const order = shuffled(classes, random);
          const reordered = order.flatMap(({ images }) => positions.map((i) => images[i] ?? []));
          const own = ownRows(loss, batch);
          const before = evaluateLoss(loss, batch).value;
          expect(before).toBeGreaterThanOrEqual(-1e-6);
          const rotation = randomRotation(5, seed);
          const same = [
            evaluateLoss(loss, { m, k, rows: reordered }, undefined, { classes: order.map(({ c }) => c) }),
            evaluateLoss(loss, { m, k, rows: rotate(batch.rows, rotation) }, undefined, {
              own: own && rotate(own, rotation),
            }),
          ];
          if (drawsByLot) return;
          for (const after of same) expect(largestDifference([after.value], [before])).toBeLessThan(1e-4);
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
      const past = loss.memory ? pastFor(batch) : undefined;
      const context = contextOf(loss, batch, { past });
      const step = (): void => {
        const compute = (embeddings: tf.Tensor2D): tf.Scalar =>
          loss.compute({ embeddings, unit: unitRows(embeddings), layout, attraction, context });
        const { value: scalar, grad } = tf.valueAndGrad<tf.Tensor2D, tf.Scalar>(compute)(x);
        tf.dispose([scalar, grad, tf.tidy(() => compute(x))]);
      };
      step();
      const afterFirst = tf.memory().numTensors;
      step();
      step();
      expect(tf.memory().numTensors).toBe(afterFirst);
      layout.dispose();
      tf.dispose([x, attraction, context.past?.unit ?? [], ...(context.own?.values() ?? [])]);
      expect(tf.memory().numTensors).toBe(before);
    });

    if (loss.own) {
      test.each(shapes)('the gradient of its own parameters: %o', (shape) => {
        const batch = randomBatch(shape, 9);
        const own = ownRows(loss, batch) ?? [];
        const made = loss.own?.create({ classes: shape.m + 2, dim: shape.d, seed: 1 });
        const layout = createBatchLayout(shape.m, shape.k);
        const classes = Array.from({ length: shape.m }, (_, c) => shape.m + 1 - c);
        const context = contextOf(loss, batch, { classes });
        const compute = (embeddings: tf.Tensor2D, parameters: ReadonlyMap<string, tf.Tensor2D>): tf.Scalar =>
          loss.compute({ embeddings, unit: unitRows(embeddings), layout, context: { ...context, own: parameters } });
        const actual = lossGradient(compute, Float32Array.from(batch.rows.flat()), batch.rows.length, made);
        layout.dispose();
        const at = (moved: Rows): number => value(batch, undefined, batch.rows, { own: moved, classes });
        expect(largestDifference([actual.value], [at(own)])).toBeLessThan(1e-5);
        const expected = differences(own, at);
        expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(1e-3);
        expect(largestDifference([...actual.own.values()][0] ?? [], expected)).toBeLessThan(tolerance);
      });
    }

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
