import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitLogistic } from '../../../src/evaluate/calibration/logistic.js';
import { createRandom } from '../../../src/core/random.js';
import { sigmoid } from '../../../src/model/calibration.js';

/** Sixty rows of two features by a linear congruential generator, which a few lines of any language repeat. */
function series(): { columns: Float64Array[]; outcomes: number[] } {
  let state = 12345n;
  const next = (): number => {
    state = (state * 1103515245n + 12345n) % 2147483648n;
    return Number(state) / 2147483648;
  };
  const rows = Array.from({ length: 60 }, () => {
    const [a, b, draw] = [next() * 4 - 2, next() * 4 - 2, next()];
    return { a, b, y: draw < 1 / (1 + Math.exp(-(0.5 + 1.5 * a - 0.8 * b))) ? 1 : 0 };
  });
  const columns = [Float64Array.from(rows, ({ a }) => a), Float64Array.from(rows, ({ b }) => b)];
  return { columns, outcomes: rows.map(({ y }) => y) };
}

/** The gradient of the penalised negative log-likelihood, in plain loops. */
function gradient(columns: readonly Float64Array[], outcomes: readonly number[], penalty: number, beta: number[]) {
  const result = beta.map((value, i) => (i === 0 ? 0 : penalty * value));
  outcomes.forEach((outcome, row) => {
    const values = [1, ...columns.map((column) => column[row] ?? NaN)];
    const z = values.reduce((sum, value, i) => sum + value * (beta[i] ?? NaN), 0);
    values.forEach((value, i) => {
      result[i] = (result[i] ?? 0) + (1 / (1 + Math.exp(-z)) - outcome) * value;
    });
  });
  return result;
}

describe('logistic regression against references', () => {
  // Minimised with scipy.optimize (BFGS, then Nelder–Mead to 1e-11).
  it.each([
    [1, [0.4118960906, 1.0647675424, -0.3296836837]],
    [0.01, [0.4096475348, 1.175723267, -0.3736094177]],
    [10, [0.4387278612, 0.6292917248, -0.1726385023]],
  ])('finds what scipy finds with a penalty of %s', (penalty, [intercept = NaN, ...weights]) => {
    const { columns, outcomes } = series();
    expect(outcomes.reduce((a, b) => a + b)).toBe(38);
    const fit = fitLogistic(columns, outcomes, penalty);
    expect(fit.intercept).toBeCloseTo(intercept, 6);
    weights.forEach((weight, i) => expect(fit.weights[i]).toBeCloseTo(weight, 6));
  });

  it('leaves no gradient, whatever the data', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 3 }), fc.constantFrom(0.1, 1, 30), (seed, width, penalty) => {
        const random = createRandom(seed);
        const columns = Array.from({ length: width }, () => Float64Array.from({ length: 40 }, () => random() * 6 - 3));
        const outcomes = Array.from({ length: 40 }, (_, row) => (row < 2 ? row : random() < 0.3 ? 1 : 0));
        const { intercept, weights } = fitLogistic(columns, outcomes, penalty);
        for (const slope of gradient(columns, outcomes, penalty, [intercept, ...weights])) {
          expect(Math.abs(slope)).toBeLessThan(1e-6);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('stays finite where the classes separate, and where a feature says nothing or is there twice', () => {
    const x = Float64Array.of(-2, -1, 1, 2);
    const apart = fitLogistic([x], [0, 0, 1, 1], 1);
    expect(apart.weights[0]).toBeGreaterThan(0.5);
    expect(apart.weights[0]).toBeLessThan(5);
    expect(apart.intercept).toBeCloseTo(0, 9);
    const level = fitLogistic([x, new Float64Array(4)], [0, 0, 1, 1], 1);
    expect(level.weights[0]).toBeCloseTo(apart.weights[0] ?? NaN, 9);
    expect(level.weights[1]).toBe(0);
    const twice = fitLogistic([x, x], [0, 0, 1, 1], 1);
    expect(twice.weights[0]).toBeCloseTo(twice.weights[1] ?? NaN, 9);
  });

  it('gives the base rate where the features say nothing', () => {
    const { intercept } = fitLogistic([new Float64Array(8)], [1, 0, 0, 0, 0, 0, 0, 1], 1);
    expect(sigmoid(intercept)).toBeCloseTo(0.25, 9);
  });
});
