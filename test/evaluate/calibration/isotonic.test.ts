import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitIsotonic } from '../../../src/evaluate/calibration/isotonic.js';
import { curveSchema, interpolate } from '../../../src/model/calibration.js';

interface Level {
  readonly x: number;
  readonly sum: number;
  readonly count: number;
}

/** Rows of equal x together, ascending. */
function levelsOf(x: readonly number[], outcomes: readonly number[]): Level[] {
  return [...new Set(x)]
    .sort((a, b) => a - b)
    .map((value) => {
      const rows = outcomes.filter((_, row) => x[row] === value);
      return { x: value, sum: rows.reduce((a, b) => a + b, 0), count: rows.length };
    });
}

const meanOf = (levels: readonly Level[]): number =>
  levels.reduce((sum, level) => sum + level.sum, 0) / levels.reduce((sum, level) => sum + level.count, 0);

/** The max–min formula for isotonic regression: the greatest, over starts, of the least mean, over ends. */
function naive(levels: readonly Level[]): number[] {
  return levels.map((_, at) =>
    Math.max(
      ...levels
        .slice(0, at + 1)
        .map((_start, from) =>
          Math.min(...levels.slice(at).map((_end, more) => meanOf(levels.slice(from, at + more + 1)))),
        ),
    ),
  );
}

describe('isotonic regression against references', () => {
  it('pools adjacent violators', () => {
    // As scipy.optimize.isotonic_regression gives it: 0, 1/3 three times, 2/3 three times, 1 three times.
    const curve = fitIsotonic([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 1, 0, 0, 1, 1, 0, 1, 1, 1]);
    expect(curve.x).toEqual([0, 2, 5, 8]);
    expect(curve.y.map((y) => Math.round(y * 3) / 3)).toEqual([0, 1 / 3, 2 / 3, 1]);
  });

  it.each([
    ['already in order', [1, 2, 3, 4], [0, 0, 1, 1], { x: [1.5, 3.5], y: [0, 1] }],
    ['all against the order', [1, 2, 3, 4], [1, 1, 0, 0], { x: [2.5], y: [0.5] }],
    ['rows in another order', [4, 1, 3, 2], [1, 0, 1, 0], { x: [1.5, 3.5], y: [0, 1] }],
    ['one x', [7, 7, 7, 7], [1, 0, 0, 0], { x: [7], y: [0.25] }],
    ['one row', [2], [1], { x: [2], y: [1] }],
  ])('fits data that is %s', (_name, x, outcomes, curve) => {
    expect(fitIsotonic(x, outcomes)).toEqual(curve);
  });

  const data = fc.array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.constantFrom(0, 1)), {
    minLength: 1,
    maxLength: 25,
  });

  it('finds the least squares where scores are tied, as the max–min formula has it', () => {
    fc.assert(
      fc.property(data, (rows) => {
        const [x, outcomes] = [rows.map(([at]) => at), rows.map(([, outcome]) => outcome)];
        const levels = levelsOf(x, outcomes);
        const curve = fitIsotonic(x, outcomes);
        const expected = naive(levels);
        // One point of the curve for each run of levels with the same value.
        let point = -1;
        let [xs, count] = [0, 0];
        levels.forEach((level, index) => {
          const isNew = index === 0 || Math.abs((expected[index] ?? 0) - (expected[index - 1] ?? 0)) > 1e-12;
          if (isNew) [point, xs, count] = [point + 1, 0, 0];
          xs += level.x * level.count;
          count += level.count;
          expect(curve.y[point]).toBeCloseTo(expected[index] ?? NaN, 12);
          const next = expected[index + 1];
          if (next === undefined || Math.abs(next - (expected[index] ?? 0)) > 1e-12) {
            expect(curve.x[point]).toBeCloseTo(xs / count, 12);
          }
        });
        expect(curve.x).toHaveLength(point + 1);
      }),
    );
  });

  it('is monotone and within 0 … 1 everywhere, keeps the mean, and does not depend on the order of rows', () => {
    fc.assert(
      fc.property(data, fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { maxLength: 20 }), (rows, probes) => {
        const fit = (some: typeof rows) =>
          fitIsotonic(
            some.map(([at]) => at),
            some.map(([, outcome]) => outcome),
          );
        const curve = fit(rows);
        expect(curveSchema.safeParse(curve).success).toBe(true);
        expect(fit([...rows].reverse())).toEqual(curve);
        const values = [...probes].sort((a, b) => a - b).map((probe) => interpolate(curve, probe));
        values.forEach((value, index) => {
          expect(value).toBeGreaterThanOrEqual(Math.max(0, values[index - 1] ?? 0) - 1e-12);
          expect(value).toBeLessThanOrEqual(1);
        });
      }),
    );
  });
});
