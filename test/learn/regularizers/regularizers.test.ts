import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.js';
import { unitRows } from '../../../src/learn/distances/unit-rows.js';
import { createBatchLayout } from '../../../src/learn/losses/batch-layout.js';
import { createRegularizer, regularizers } from '../../../src/learn/regularizers/registry.js';
import type { Regularizer } from '../../../src/learn/regularizers/regularizer.js';
import {
  type Batch,
  differences,
  evaluate,
  type Evaluated,
  largestDifference,
  randomBatch,
  shapes,
  toTensor,
  useBackend,
} from '../losses/batches.js';
import { naiveBand, naiveDebiasedGap, naiveDensity, naiveGate, naiveNeighbour } from '../losses/naive.js';

function attraction(regularizer: Regularizer, batch: Batch, seed = 0): number[] {
  const layout = createBatchLayout(batch.m, batch.k);
  const weights = tf.tidy(() => {
    const random = createRandom('weights', seed);
    const found = regularizer.attraction?.({ unit: unitRows(toTensor(batch.rows)), layout, random });
    return found ? [...found.dataSync()] : [];
  });
  layout.dispose();
  return weights;
}

function penalty(regularizer: Regularizer, batch: Batch, frozen?: Batch): Evaluated {
  return evaluate(batch, (embeddings, layout) => {
    const reference = frozen && unitRows(toTensor(frozen.rows));
    const found = regularizer.penalty?.({ unit: unitRows(embeddings), layout, reference });
    if (!found) throw new Error('no penalty');
    return found;
  });
}

describe.each(['cpu', 'wasm'] as const)('on the %s backend', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(shapes)('gate: w = min(1, v / (κ (D + 1e-6))): %o', (shape) => {
    const batch = randomBatch(shape, 31);
    for (const kappa of [0.5, 4]) {
      const weights = attraction(createRegularizer('gate', { kappa }), batch);
      expect(largestDifference(weights, naiveGate(batch, kappa))).toBeLessThan(1e-4);
    }
    const nearest = attraction(createRegularizer('gate', { neighbours: 1 }), batch);
    expect(largestDifference(nearest, naiveGate(batch, 4, 1))).toBeLessThan(1e-4);
  });

  test.each(shapes)('neighbour: value, and a gradient that leaves the gap alone: %o', (shape) => {
    const batch = randomBatch(shape, 32, 0.3);
    for (const kappa of [0.5, 2]) {
      const actual = penalty(createRegularizer('neighbour', { kappa }), batch);
      expect(actual.value).toBeGreaterThan(0);
      expect(largestDifference([actual.value], [naiveNeighbour(batch, kappa)])).toBeLessThan(1e-4);
      const expected = differences(batch.rows, (rows) => naiveNeighbour({ ...batch, rows }, kappa, batch.rows));
      expect(largestDifference(actual.gradient, expected)).toBeLessThan(1e-4);
    }
  });
});

describe.each(['cpu', 'wasm'] as const)('on the %s backend, terms of studies and bands', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(shapes)('the debiased gate takes the gap without the noise of the means: %o', (shape) => {
    const batch = randomBatch(shape, 35, 0.5);
    const gap = naiveDebiasedGap(batch);
    const expected = naiveDensity(batch).v.map((v, c) => Math.min(1, v / (4 * ((gap[c] ?? NaN) + 1e-6))));
    const actual = attraction(createRegularizer('gate', { debiased: 1 }), batch);
    expect(largestDifference(actual, expected)).toBeLessThan(1e-3);
    expect(largestDifference(actual, naiveGate(batch, 4))).toBeGreaterThan(1e-3);
  });

  test.each(shapes)('the controls: the gate’s mean for every class, and its weights on other classes: %o', (shape) => {
    const batch = randomBatch(shape, 36, 0.4);
    const weights = naiveGate(batch, 2);
    const mean = weights.reduce((sum, w) => sum + w, 0) / weights.length;
    const evened = attraction(createRegularizer('gate-mean', { kappa: 2 }), batch);
    expect(
      largestDifference(
        evened,
        weights.map(() => mean),
      ),
    ).toBeLessThan(1e-4);
    const shuffled = createRegularizer('gate-shuffled', { kappa: 2 });
    const drawn = [0, 1, 2, 3, 4].map((seed) => attraction(shuffled, batch, seed));
    for (const one of drawn) {
      const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
      expect(largestDifference(sorted(one), sorted(weights))).toBeLessThan(1e-4);
      weights.forEach((weight, c) => expect(Math.abs((one[c] ?? NaN) - weight)).toBeGreaterThan(1e-4));
    }
    expect(attraction(shuffled, batch, 3)).toEqual(drawn[3]);
    if (shape.m > 3) expect(new Set(drawn.map((one) => one.join())).size).toBeGreaterThan(1);
  });

  test.each(shapes)('band: value, a floor that leaves the gap alone and a ceiling that does not: %o', (shape) => {
    const frozen = randomBatch({ ...shape, d: 12 }, 37, 0.8);
    const cases = [
      { noise: 0.1, lo: 0.3, hi: 0.5 },
      { noise: 0.4, lo: 0.3, hi: 0.5 },
      { noise: 0.9, lo: 0.01, hi: 0.02 },
    ];
    for (const { noise, lo, hi } of cases) {
      const batch = randomBatch(shape, 38, noise);
      const actual = penalty(createRegularizer('band', { lo, hi }), batch, frozen);
      expect(largestDifference([actual.value], [naiveBand(batch, frozen, lo, hi)])).toBeLessThan(2e-3);
      const expected = differences(batch.rows, (rows) => naiveBand({ ...batch, rows }, frozen, lo, hi, batch.rows));
      expect(largestDifference(actual.gradient, expected)).toBeLessThan(2e-3);
      expect(actual.gradient.some((x) => x !== 0)).toBe(true);
    }
  });
});

describe('regularizers', () => {
  beforeAll(() => useBackend('cpu'));

  test('the gate stays within 0 … 1, is 1 for a loose class and near 0 for a packed one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 2, max: 4 }), fc.integer(), (m, k, seed) => {
        const weights = attraction(createRegularizer('gate', { kappa: 0.5 }), randomBatch({ m, k, d: 6 }, seed, 2));
        expect(weights).toHaveLength(m);
        for (const weight of weights) {
          expect(weight).toBeGreaterThanOrEqual(0);
          expect(weight).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 30, seed: 5 },
    );
    const looseAndPacked = { m: 2, k: 2, rows: [[1, 0.1], [0.1, -1], [0, 1], [0, 2]] }; // prettier-ignore
    const weights = attraction(createRegularizer('gate', { kappa: 0.1 }), looseAndPacked);
    expect(weights[0]).toBe(1);
    expect(weights[1]).toBeLessThan(1e-5);
  });

  test('no gradient flows through the gate', () => {
    const layout = createBatchLayout(3, 2);
    const gate = createRegularizer('gate');
    const run = tf.valueAndGrad<tf.Tensor2D, tf.Tensor>((x) => {
      const weights = gate.attraction?.({ unit: unitRows(x), layout });
      expect(weights?.shape).toEqual([3]);
      return weights ?? x;
    });
    const { rows } = randomBatch({ m: 3, k: 2, d: 4 }, 33);
    // TF.js says so by refusing to differentiate what does not depend on its input.
    expect(() => run(toTensor(rows))).toThrow(/Cannot compute gradient of y=f\(x\)/);
    layout.dispose();
  });

  test('neighbour is 0, with no gradient, where every class is loose enough', () => {
    const loose = { m: 2, k: 2, rows: [[1, 0], [0, 1], [-1, 0], [0, -1]] }; // prettier-ignore
    const { value, gradient } = penalty(createRegularizer('neighbour', { kappa: 0.1 }), loose);
    expect(value).toBe(0);
    expect(gradient.every((x) => x === 0)).toBe(true);
  });

  test('neighbour by hand', () => {
    // v = 1 for both classes; means (½, ½) and (−½, −½), D = 2: missing = log(1.5 · 2) − log 1.
    const square = { m: 2, k: 2, rows: [[1, 0], [0, 1], [-1, 0], [0, -1]] }; // prettier-ignore
    expect(penalty(createRegularizer('neighbour', { kappa: 1.5 }), square).value).toBeCloseTo(Math.log(3) ** 2, 4);
  });

  test('neighbour stays finite where a class, or all of them, collapsed to a point', () => {
    for (const batch of [
      { m: 2, k: 2, rows: [[1, 0], [1, 0], [-1, 0], [0, -1]] }, // prettier-ignore
      { m: 2, k: 2, rows: [[1, 0], [1, 0], [1, 0], [1, 0]] }, // prettier-ignore
    ]) {
      const { value, gradient } = penalty(createRegularizer('neighbour'), batch);
      expect(Number.isFinite(value)).toBe(true);
      expect(gradient.every(Number.isFinite)).toBe(true);
    }
  });

  test('leave no tensors behind', () => {
    const layout = createBatchLayout(4, 3);
    const x = toTensor(randomBatch({ m: 4, k: 3, d: 8 }, 34).rows);
    const step = (): void => {
      const neighbour = createRegularizer('neighbour');
      const { value, grad } = tf.valueAndGrad<tf.Tensor2D, tf.Scalar>((embeddings) => {
        const unit = unitRows(embeddings);
        tf.dispose(createRegularizer('gate').attraction?.({ unit, layout }) ?? []);
        return neighbour.penalty?.({ unit, layout }) ?? tf.scalar(0);
      })(x);
      tf.dispose([value, grad]);
    };
    step();
    const before = tf.memory().numTensors;
    step();
    step();
    expect(tf.memory().numTensors).toBe(before);
    layout.dispose();
    x.dispose();
  });

  test('by name', () => {
    expect(regularizers.names).toEqual(['band', 'gate', 'gate-mean', 'gate-shuffled', 'neighbour', 'none']);
    for (const name of regularizers.names) expect(createRegularizer(name).name).toBe(name);
    const none = createRegularizer('none');
    expect([none.attraction, none.penalty]).toEqual([undefined, undefined]);
    expect(() => createRegularizer('neighbor')).toThrow(/did you mean "neighbour"/);
    expect(() => createRegularizer('none', { kappa: 1 })).toThrow(
      expect.objectContaining({ code: 'invalid-option', field: '--kappa' }),
    );
    expect(() => createRegularizer('gate', { kappa: 0 })).toThrow(expect.objectContaining({ field: '--kappa' }));
  });
});
