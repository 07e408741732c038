import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reliabilityOf } from '../../../src/evaluate/calibration/reliability.js';
import { applyFit, interpolate, scorePair, type Fit } from '../../../src/model/calibration.js';

test('reliability by hand: two bins, one of them off by 0.2', () => {
  // Scores 0.3 (half right) and 0.9 (all right): |0.3 − 0.5| · 2/4 + |0.9 − 1| · 2/4
  const { ece, brier, curve } = reliabilityOf([0.3, 0.3, 0.9, 0.9], [0, 1, 1, 1]);
  expect(ece).toBeCloseTo(0.15, 12);
  expect(brier).toBeCloseTo((0.09 + 0.49 + 0.01 + 0.01) / 4, 12);
  expect(curve.map(({ observed, pairs }) => [observed, pairs])).toEqual([
    [0.5, 2],
    [1, 2],
  ]);
});

describe('a score', () => {
  const fit: Fit = {
    method: 'logistic',
    terms: [
      { feature: 'log-distance', mean: -2, deviation: 1, weight: -1.5 },
      // Steep enough that, unchecked, scores would rise with the distance in sparse surroundings.
      { feature: 'query-density', mean: 2, deviation: 1, weight: -0.4, slope: -0.9 },
    ],
    intercept: 0.3,
  };
  const curve = { x: [-4, 0, 4], y: [0, 0.4, 1] };
  const distanceOnly: Fit = { method: 'isotonic', terms: fit.terms.slice(0, 1), intercept: 0, curve };

  test('is a probability that falls with the distance at the same densities', () => {
    const distance = fc.double({ min: 0, max: 4, noNaN: true });
    const density = fc.option(fc.double({ min: -2, max: 14, noNaN: true }), { nil: null });
    fc.assert(
      fc.property(distance, distance, density, density, (one, other, queryDensity, itemDensity) => {
        const [near, far] = one < other ? [one, other] : [other, one];
        const score = (at: number): number =>
          scorePair({ fit, distanceOnly }, { distance: at, queryDensity, itemDensity });
        expect(score(near)).toBeGreaterThanOrEqual(score(far));
        for (const value of [score(near), score(far)]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('by hand: a density moves the score, and how fast it falls with the distance', () => {
    const pair = { distance: Math.exp(-1) - 1e-3, queryDensity: 3, itemDensity: null };
    // d = (−1 + 2) / 1, v = (3 − 2) / 1: 0.3 − 0.4 · 1 + (−1.5 − 0.9 · 1) · 1
    expect(applyFit(fit, pair)).toBeCloseTo(1 / (1 + Math.exp(2.5)), 12);
    // v = −2: the slope −1.5 + 1.8 is above 0 and counts as none.
    expect(applyFit(fit, { ...pair, queryDensity: 0 })).toBeCloseTo(1 / (1 + Math.exp(-1.1)), 12);
    // A density beyond three deviations counts as three.
    expect(applyFit(fit, { ...pair, queryDensity: 5 })).toBe(applyFit(fit, { ...pair, queryDensity: 13.8 }));
  });

  test('goes by the distance alone where a density that it needs is not known', () => {
    const pair = { distance: 0.1, itemDensity: 3 };
    const alone = scorePair({ fit: distanceOnly, distanceOnly }, { ...pair, queryDensity: 1 });
    expect(scorePair({ fit, distanceOnly }, { ...pair, queryDensity: null })).toBe(alone);
    expect(scorePair({ fit, distanceOnly }, { ...pair, queryDensity: 1 })).not.toBe(alone);
  });

  test('a curve is straight between its points and level outside', () => {
    expect([-9, -4, -2, 0, 2, 9].map((at) => interpolate(curve, at))).toEqual([0, 0, 0.2, 0.4, 0.7, 1]);
  });
});
