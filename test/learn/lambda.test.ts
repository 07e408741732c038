import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { lambdaSchedules } from '../../src/learn/lambda-schedule.js';
import { createAdaptiveLambda } from '../../src/learn/lambda-share.js';
import { createBatchLayout } from '../../src/learn/losses/batch-layout.js';
import { objectiveFor, type ObjectiveSettings } from '../../src/learn/objective.js';
import { type Evaluated, largestDifference, randomBatch, toTensor, useBackend } from './losses/batches.js';
import { refusal } from './losses/refusal.js';

const settings: ObjectiveSettings = {
  loss: 'triplet',
  lossOptions: {},
  regularizer: 'neighbour',
  regularizerOptions: {},
  lambda: undefined,
  steps: 100,
  seed: 3,
  classesPerBatch: 4,
  imagesPerClass: 3,
};

describe('a λ schedule', () => {
  test('starts and ends where it says, and stays within 0 … 1', () => {
    const at = (name: string, step: number, steps = 100): number => lambdaSchedules.get(name)(step, steps);
    expect([at('constant', 0), at('constant', 99)]).toEqual([1, 1]);
    expect([at('warm-up', 0), at('warm-up', 12), at('warm-up', 24), at('warm-up', 99)]).toEqual([0.04, 0.52, 1, 1]);
    expect([at('cosine', 0), at('cosine', 50)]).toEqual([1, 0.5]);
    expect(at('cosine', 99)).toBeGreaterThan(0);
    expect(at('cosine', 99)).toBeLessThan(0.001);
    for (const name of lambdaSchedules.names) {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 500 }), fc.nat(499), (steps, step) => {
          const share = at(name, step % steps, steps);
          expect(share).toBeGreaterThan(0);
          expect(share).toBeLessThanOrEqual(1);
        }),
        { numRuns: 50, seed: 7 },
      );
    }
  });
});

describe('an adaptive λ', () => {
  test('is the share of the ratio of the norms’ running means, from the first step on', () => {
    const adaptive = createAdaptiveLambda(0.1, 1);
    expect(adaptive.next(4, 2)).toBeCloseTo(0.2, 6);
    // 0.9 · 4 + 0.1 · 14 = 5; 0.9 · 2 + 0.1 · 7 = 2.5
    expect(adaptive.next(14, 7)).toBeCloseTo(0.2, 6);
    expect(adaptive.next(5, 12.5)).toBeCloseTo((0.1 * 5) / 3.5, 6);
  });

  test('waits with the fixed λ for a gradient of the penalty, and is bounded when it fades', () => {
    const adaptive = createAdaptiveLambda(0.1, 0.5);
    expect([adaptive.next(4, 0), adaptive.next(4, NaN)]).toEqual([0.5, 0.5]);
    expect(adaptive.next(4, 1e-9)).toBe(50);
    // A loss that is satisfied asks for nothing beside it.
    expect(createAdaptiveLambda(0.1, 0.5).next(0, 4)).toBe(0.005);
    expect(createAdaptiveLambda(0.1, 0.5).next(1e-9, 4)).toBe(0.005);
    const before = adaptive.next(4, 1);
    expect(adaptive.next(4, 0)).toBe(before);
  });

  test('goes on from what it remembered as if nothing had happened', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0, max: 9 }), fc.double({ min: 0, max: 9 })), { minLength: 2 }),
        (norms) => {
          const through = createAdaptiveLambda(0.2, 0.1);
          const expected = norms.map(([a, b]) => through.next(a, b));
          const half = Math.floor(norms.length / 2);
          const [first, second] = [createAdaptiveLambda(0.2, 0.1), createAdaptiveLambda(0.2, 0.1)];
          const start = norms.slice(0, half).map(([a, b]) => first.next(a, b));
          second.remembered.restore(first.remembered.save());
          expect([...start, ...norms.slice(half).map(([a, b]) => second.next(a, b))]).toEqual(expected);
        },
      ),
      { numRuns: 50, seed: 8 },
    );
    const adaptive = createAdaptiveLambda(0.2, 0.1);
    expect(() => adaptive.remembered.restore(new Map())).toThrow(/--lambda-share/);
  });
});

describe.each(['cpu', 'wasm'] as const)('λ of an objective on the %s backend', (backend) => {
  beforeAll(() => useBackend(backend));
  const batch = randomBatch({ m: 4, k: 3, d: 6 }, 91, 0.2);

  function at(objective: ReturnType<typeof objectiveFor>, step: number): Evaluated & { lambda: number } {
    const layout = createBatchLayout(4, 3);
    let lambda = NaN;
    const found = tf.tidy(() => {
      const classes = Int32Array.from(batch.rows, (_, i) => Math.floor(i / 3));
      const run = tf.valueAndGrad<tf.Tensor2D, tf.Scalar>((x) => {
        const parts = objective.compute(x, layout, { classes, step });
        lambda = parts.lambda;
        return parts.total;
      });
      const { value, grad } = run(toTensor(batch.rows));
      return { value: value.dataSync()[0] ?? NaN, gradient: Float32Array.from(grad.dataSync()) };
    });
    layout.dispose();
    return { ...found, lambda };
  }
  const fixed = (lambda: number, more = {}): Evaluated => at(objectiveFor({ ...settings, lambda, ...more }), 0);

  test('follows the schedule', () => {
    const objective = objectiveFor({ ...settings, lambda: 2, lambdaSchedule: 'cosine' });
    expect(at(objective, 50).lambda).toBeCloseTo(1, 6);
    expect(at(objective, 50).value).toBeCloseTo(fixed(1).value, 5);
  });

  test.each([
    ['triplet', { margin: 2 }],
    ['contrastive', {}],
    ['npair', {}],
  ])('holds the penalty’s gradient at a share of that of %s', (loss, lossOptions) => {
    const objective = objectiveFor({ ...settings, loss, lossOptions, lambdaShare: 0.25 });
    const { value, gradient, lambda } = at(objective, 0);
    const [alone, doubled] = [fixed(0, { loss, lossOptions }), fixed(1, { loss, lossOptions })];
    const norm = (x: readonly number[]): number => Math.hypot(...x);
    const penalty = [...doubled.gradient].map((x, i) => x - (alone.gradient[i] ?? NaN));
    expect((lambda * norm(penalty)) / norm([...alone.gradient])).toBeCloseTo(0.25, 3);
    const expected = fixed(lambda, { loss, lossOptions });
    expect(value).toBeCloseTo(expected.value, 4);
    expect(largestDifference(gradient, expected.gradient)).toBeLessThan(1e-4);
  });

  test('leaves no tensors behind', () => {
    const objective = objectiveFor({ ...settings, regularizer: 'gate+neighbour', lambdaShare: 0.25 });
    at(objective, 0);
    const before = tf.memory().numTensors;
    at(objective, 1);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a loss with parameters of its own learns them as with a fixed λ', () => {
    const grads = (share: number | undefined): number[][] => {
      const objective = objectiveFor({ ...settings, loss: 'proxy-anchor', lambda: 0.5, lambdaShare: share });
      const [[name, { data, shape }] = ['', { data: new Float32Array(0), shape: [0, 0] }]] =
        objective.own?.create({ classes: 4, dim: 6, seed: 1 }) ?? [];
      const layout = createBatchLayout(4, 3);
      const classes = Int32Array.from(batch.rows, (_, i) => Math.floor(i / 3));
      const found = tf.tidy(() => {
        const [x, own] = [toTensor(batch.rows), tf.tensor2d(data, [shape[0] ?? 0, shape[1] ?? 0])];
        const run = tf.valueAndGrads(
          () => objective.compute(x, layout, { classes, own: new Map([[name, own]]) }).total,
        );
        return run([x, own]).grads.map((grad) => [...grad.dataSync()]);
      });
      layout.dispose();
      return found;
    };
    const [adaptive, plain] = [grads(0.2), grads(undefined)];
    expect(largestDifference(adaptive[1] ?? [], plain[1] ?? [NaN])).toBeLessThan(1e-5);
    expect(largestDifference(adaptive[0] ?? [], plain[0] ?? [])).toBeGreaterThan(1e-5);
  });
});

test.each([
  [{ lambdaShare: 0 }, 'invalid-option', /--lambda-share is 0, it must be above 0 and at most 1/],
  [{ lambdaShare: 1.5 }, 'invalid-option', /--lambda-share is 1.5/],
  [{ lambdaShare: 0.1, regularizer: 'gate' }, 'invalid-option', /gate has no penalty with a λ above 0/],
  [{ lambdaShare: 0.1, lambda: 0 }, 'invalid-option', /neighbour has no penalty with a λ above 0/],
  [{ lambdaSchedule: 'cosin' }, 'unknown-name', /λ schedule "cosin" \(did you mean "cosine"\?\)/],
  [{ lambda: -0.1 }, 'invalid-option', /--lambda: -0.1 is below 0/],
  [{ imagesPerClass: 1 }, 'invalid-option', /--images-per-class is 1/],
  [{ regularizer: 'gate+bands' }, 'unknown-name', /did you mean "band"/],
])('%o is refused before anything is loaded', (given, code, message) => {
  const found = refusal(() => objectiveFor({ ...settings, ...given }));
  expect(found.code).toBe(code);
  expect(found.message).toMatch(message);
});
