import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../../src/core/random.js';
import { unitRows } from '../../src/learn/distances/unit-rows.js';
import { scalarWithGradient } from '../../src/learn/gradient.js';
import { createBatchLayout } from '../../src/learn/losses/batch-layout.js';
import type { Regularizer } from '../../src/learn/regularizers/regularizer.js';
import {
  type Batch,
  differences,
  evaluate,
  type Evaluated,
  largestDifference,
  randomBatch,
  randomRotation,
  rotate,
  shapes,
  toTensor,
  useBackend,
} from '../learn/losses/batches.js';
import type { NaivePenalty } from '../learn/regularizers/naive.js';

/** The weights [M] of an attraction; empty without one. `seed` is that of its draws. */
export function attractionOf(regularizer: Regularizer, batch: Batch, seed = 0): number[] {
  const layout = createBatchLayout(batch.m, batch.k);
  const weights = tf.tidy(() => {
    const random = createRandom('weights', seed);
    const found = regularizer.attraction?.({ unit: unitRows(toTensor(batch.rows)), layout, random });
    return found ? [...found.dataSync()] : [];
  });
  layout.dispose();
  return weights;
}

/** What the margin of each class is multiplied by [M]; empty when it is left alone. */
export function marginsOf(regularizer: Regularizer, batch: Batch): number[] {
  const layout = createBatchLayout(batch.m, batch.k);
  const scale = tf.tidy(() => {
    const found = regularizer.marginScale?.({ unit: unitRows(toTensor(batch.rows)), layout });
    return found ? [...found.dataSync()] : [];
  });
  layout.dispose();
  return scale;
}

/** A penalty and its gradient with respect to the raw embeddings. */
export function penaltyOf(regularizer: Regularizer, batch: Batch, frozen?: Batch): Evaluated {
  return evaluate(batch, (embeddings, layout) => {
    const reference = frozen && unitRows(toTensor(frozen.rows));
    const found = regularizer.penalty?.({ unit: unitRows(embeddings), layout, reference });
    if (!found) throw new Error('no penalty');
    return found;
  });
}

export interface RegularizerCase {
  readonly name: string;
  readonly regularizer: Regularizer;
  /** The formula in plain loops, whichever of the two it has. */
  readonly weights?: (batch: Batch) => readonly number[];
  readonly margins?: (batch: Batch) => readonly number[];
  readonly penalty?: NaivePenalty;
  /** How wide the classes of the batches are: so that hinges are met on both sides. */
  readonly noises?: readonly number[];
}

/** A loss for those without a penalty. */
const nothing = (unit: tf.Tensor2D): tf.Scalar =>
  scalarWithGradient(unit, () => ({ value: tf.scalar(0), gradient: tf.zerosLike(unit) }));

const collapsed: readonly Batch[] = [
  { m: 2, k: 2, rows: [[1, 0], [1, 0], [-1, 0], [0, -1]] }, // prettier-ignore
  { m: 2, k: 2, rows: [[1, 0], [1, 0], [1, 0], [1, 0]] }, // prettier-ignore
  { m: 2, k: 2, rows: [[0, 0], [0, 0], [0, 0], [0, 1]] }, // prettier-ignore
];
const frozenOf = ({ m, k }: { m: number; k: number }): Batch => randomBatch({ m, k, d: 12 }, 71, 0.8);

export function describeRegularizer({
  name,
  regularizer,
  weights,
  margins,
  penalty,
  noises = [0.9],
}: RegularizerCase): void {
  const cases = shapes.flatMap((shape) => noises.map((noise) => ({ shape, noise })));

  describe.each(['cpu', 'wasm'] as const)(`${name} on the %s backend`, (backend) => {
    beforeAll(() => useBackend(backend));

    test('has the value and the gradient of plain loops', () => {
      for (const { shape, noise } of cases) {
        const batch = randomBatch(shape, 31, noise);
        if (weights) expect(largestDifference(attractionOf(regularizer, batch), weights(batch))).toBeLessThan(1e-3);
        if (margins) expect(largestDifference(marginsOf(regularizer, batch), margins(batch))).toBeLessThan(1e-3);
        if (!penalty) continue;
        const reference = frozenOf(shape);
        const actual = penaltyOf(regularizer, batch, reference);
        const of = (rows: Batch['rows']): number =>
          penalty({ batch: { ...batch, rows }, frozen: batch.rows, reference });
        expect(largestDifference([actual.value], [of(batch.rows)])).toBeLessThan(1e-3);
        expect(largestDifference(actual.gradient, differences(batch.rows, of))).toBeLessThan(2e-3);
        expect(actual.gradient.some((x) => x !== 0)).toBe(true);
      }
    });
  });

  describe(name, () => {
    beforeAll(() => useBackend('cpu'));
    const batch = randomBatch({ m: 5, k: 3, d: 8 }, 61, noises[0]);
    const frozen = frozenOf(batch);
    const both = (one: Batch, reference = frozen): number[] => [
      ...attractionOf(regularizer, one),
      ...marginsOf(regularizer, one),
      ...(regularizer.penalty ? [penaltyOf(regularizer, one, reference).value] : []),
    ];

    test('acts in one way at least, and asks for frozen features when it looks at them', () => {
      expect(both(batch).length).toBeGreaterThan(0);
      if (!regularizer.penalty) return;
      const alone = (): unknown => penaltyOf(regularizer, batch);
      if (regularizer.needsReference) expect(alone).toThrow(/no frozen features/);
      else expect(alone).not.toThrow();
    });

    test('sees neither the length nor the rotation of the embeddings', () => {
      const long = { ...batch, rows: batch.rows.map((row, i) => row.map((x) => x * (1 + i))) };
      const turned = { ...batch, rows: rotate(batch.rows, randomRotation(8, 62)) };
      expect(largestDifference(both(long), both(batch))).toBeLessThan(1e-4);
      expect(largestDifference(both(turned), both(batch))).toBeLessThan(1e-4);
    });

    test('weights stay within 0 … 1 and the default λ is at least 0', () => {
      for (const weight of attractionOf(regularizer, batch)) {
        expect(weight).toBeGreaterThanOrEqual(0);
        expect(weight).toBeLessThanOrEqual(1);
      }
      for (const loss of ['contrastive', 'triplet', 'npair'])
        expect(regularizer.defaultLambda(loss)).toBeGreaterThanOrEqual(0);
    });

    test('no gradient flows through the weights', () => {
      const constant = regularizer.attraction ?? regularizer.marginScale;
      if (!constant) return;
      const layout = createBatchLayout(batch.m, batch.k);
      const run = tf.valueAndGrad<tf.Tensor2D, tf.Tensor>((x) => constant({ unit: unitRows(x), layout }));
      // TF.js says so by refusing to differentiate what does not depend on its input.
      expect(() => run(toTensor(batch.rows))).toThrow(/Cannot compute gradient of y=f\(x\)/);
      layout.dispose();
    });

    test('stays finite where a class, or all of them, collapsed to a point, and for zero rows', () => {
      for (const one of collapsed) {
        expect(both(one, frozenOf(one)).every(Number.isFinite)).toBe(true);
        if (!regularizer.penalty) continue;
        expect(penaltyOf(regularizer, one, frozenOf(one)).gradient.every(Number.isFinite)).toBe(true);
        expect(Number.isFinite(penaltyOf(regularizer, randomBatch({ ...one, d: 6 }, 63), { ...one }).value)).toBe(true);
      }
    });

    test('leaves no tensors behind', () => {
      const layout = createBatchLayout(batch.m, batch.k);
      const x = toTensor(batch.rows);
      const reference = tf.tidy(() => unitRows(toTensor(frozen.rows)));
      const step = (): void => {
        const { value, grad } = tf.valueAndGrad<tf.Tensor2D, tf.Scalar>((embeddings) => {
          const unit = unitRows(embeddings);
          regularizer.attraction?.({ unit, layout });
          regularizer.marginScale?.({ unit, layout });
          return regularizer.penalty?.({ unit, layout, reference }) ?? nothing(unit);
        })(x);
        tf.dispose([value, grad]);
      };
      step();
      const before = tf.memory().numTensors;
      step();
      step();
      expect(tf.memory().numTensors).toBe(before);
      layout.dispose();
      tf.dispose([x, reference]);
    });
  });
}
