import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedPrecisionCut, localDensity } from '../../src/core/local-density.js';

describe('local density', () => {
  it('is −log of the mean squared distance to the ten nearest', () => {
    const ten = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
    expect(localDensity(ten)).toBeCloseTo(-Math.log(0.55), 12);
    expect(localDensity([...ten, 4, 4, 4])).toBe(localDensity(ten));
    expect(localDensity([0.5])).toBeCloseTo(Math.LN2, 12);
    expect(localDensity([4, 4])).toBeCloseTo(-1.386294, 6);
  });

  it('is unknown without neighbours, and finite among duplicates', () => {
    expect(localDensity([])).toBeNull();
    expect(localDensity(new Float64Array(12))).toBeCloseTo(6 * Math.LN10, 9);
  });
});

describe('the cut that keeps the expected precision', () => {
  it.each([
    [[0.9, 0.9, 0.6, 0.4], 0.8, 3],
    [[0.9, 0.9, 0.6, 0.4], 0.7, 4],
    [[0.9, 0.9, 0.6, 0.4], 0.9, 2],
    [[0.9, 0.9, 0.6, 0.4], 0.95, 0],
    // A likelier result further down makes up for the one before it.
    [[0.9, 0.6, 0.9], 0.8, 3],
    [[0.4, 0.95, 0.95], 0.75, 3],
    [[1, 1, 1], 1, 3],
    [Array<number>(10).fill(0.9), 0.9, 10],
    [[], 0.5, 0],
  ])('of %j at %s keeps %i', (scores, precision, kept) => {
    expect(expectedPrecisionCut(scores, precision)).toBe(kept);
  });

  it('is the longest prefix whose mean is high enough', () => {
    const score = fc.integer({ min: 0, max: 64 }).map((n) => n / 64);
    fc.assert(
      fc.property(fc.array(score, { maxLength: 40 }), score, (scores, precision) => {
        const good = scores.map((_, i) => scores.slice(0, i + 1).reduce((a, b) => a + b, 0) / (i + 1) >= precision);
        expect(expectedPrecisionCut(scores, precision)).toBe(good.lastIndexOf(true) + 1);
      }),
    );
  });

  it('keeps no more when more precision is asked for', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(share, { maxLength: 40 }), share, share, (scores, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        expect(expectedPrecisionCut(scores, more)).toBeLessThanOrEqual(expectedPrecisionCut(scores, less));
      }),
    );
  });
});
