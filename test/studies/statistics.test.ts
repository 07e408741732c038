import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePairs, holm, mean, standardDeviation } from '../../src/studies/statistics.js';
import { regularizedBeta, studentCritical, studentTwoSided } from '../../src/studies/statistics-student.js';
import { wilcoxonSignedRank } from '../../src/studies/statistics-wilcoxon.js';

const close = (actual: number, expected: number, relative = 1e-9): void =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(relative * Math.abs(expected));

describe('Student’s t', () => {
  // scipy 1.17.1: scipy.special.betainc(a, b, x)
  it.each([
    [0.3, 0.5, 0.5, 0.36901011956554536],
    [0.4, 2, 3, 0.5248],
    [0.9, 10, 0.5, 0.15164090963470994],
    [0.45, 50, 70, 0.7717610017525626],
  ])('rests on the incomplete beta function: I_%f(%f, %f) = %f', (x, a, b, expected) => {
    close(regularizedBeta(x, a, b), expected, 1e-10);
  });

  // scipy 1.17.1: 2 * scipy.stats.t.sf(t, df)
  it.each([
    [2, 5, 0.10193947882985835],
    [0.5, 1, 0.7048327646991335],
    [3.3, 9, 0.009229908318547019],
    [12, 3, 0.0012450158007893362],
    [1.96, 1000, 0.050273184955748736],
    [40, 5, 1.8411962171772954e-7],
    [1e-3, 7, 0.9992300172449988],
  ])('has P(|T| ≥ %f) with %i degrees of freedom = %f', (t, df, expected) => {
    close(studentTwoSided(t, df), expected);
    close(studentTwoSided(-t, df), expected);
  });

  // scipy 1.17.1: scipy.stats.t.ppf((1 + c) / 2, df); the first six are in every printed table.
  it.each([
    [0.95, 1, 12.706204736174694],
    [0.95, 2, 4.302652729749462],
    [0.95, 5, 2.5705818356363146],
    [0.95, 11, 2.200985160091639],
    [0.99, 5, 4.032142983555228],
    [0.95, 30, 2.0422724563012378],
    [0.9, 120, 1.6576508993552352],
    [0.999, 4, 8.610301581379522],
  ])('has the critical value of %f with %i degrees of freedom', (confidence, df, expected) => {
    close(studentCritical(confidence, df), expected);
  });

  it('has closed forms for one and two degrees of freedom', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 50, noNaN: true }), (t) => {
        expect(studentTwoSided(t, 1)).toBeCloseTo(1 - (2 / Math.PI) * Math.atan(t), 10);
        expect(studentTwoSided(t, 2)).toBeCloseTo(1 - t / Math.sqrt(2 + t * t), 10);
      }),
    );
  });
});

describe('comparePairs', () => {
  // scipy 1.17.1: ttest_rel(a, b) and its confidence_interval(), wilcoxon(a - b), std(ddof=1)
  it('is scipy’s paired t-test and signed-rank test', () => {
    const a = [89.1, 88.2, 90.4, 87.9, 88.8, 91.0];
    const b = [74.2, 75.9, 73.1, 77.7, 74.0, 72.8];
    const found = comparePairs(a.map((value, index) => value - (b[index] ?? NaN)));
    expect([found.n, found.wilcoxonP]).toEqual([6, 0.03125]);
    close(found.p, 7.291670760355521e-5);
    close(found.interval[0], 11.467368769281496);
    close(found.interval[1], 17.76596456405184);
    close(found.standardDeviation, 3.0009442958286776);
  });

  it('is scipy’s one where nothing is to be found', () => {
    const found = comparePairs([0.4, -0.3, 1.1, 0.2, -0.9, 0.7, 0.05, -0.1]);
    close(found.p, 0.5296591180361826);
    close(found.interval[0], -0.37036523962902557);
    close(found.interval[1], 0.6578652396290257);
    close(found.wilcoxonP, 0.546875);
  });

  it('says nothing of one pair, and nothing against equal ones', () => {
    expect(comparePairs([2])).toMatchObject({ n: 1, mean: 2, interval: [NaN, NaN], p: NaN });
    expect(comparePairs([0, 0, 0])).toMatchObject({ mean: 0, interval: [0, 0], p: 1, wilcoxonP: NaN });
    expect(comparePairs([1, 1, 1])).toMatchObject({ mean: 1, interval: [1, 1], p: 0, wilcoxonP: 0.25 });
    expect(mean([])).toBeNaN();
    expect(standardDeviation([3])).toBeNaN();
  });

  it('has an interval that leaves 0 out exactly when p is below 0.05', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 2, maxLength: 12 }), (values) => {
        const { interval, p } = comparePairs(values);
        fc.pre(Math.abs(p - 0.05) > 1e-9);
        expect(interval[0] > 0 || interval[1] < 0).toBe(p < 0.05);
      }),
    );
  });
});

describe('wilcoxonSignedRank', () => {
  /** All 2ⁿ signs, one after the other. */
  const naive = (differences: readonly number[]): number => {
    const sizes = differences.map(Math.abs);
    const rank = sizes.map((size) => {
      const sorted = [...sizes].sort((x, y) => x - y);
      return (sorted.indexOf(size) + sorted.lastIndexOf(size)) / 2 + 1;
    });
    const middle = rank.reduce((sum, value) => sum + value, 0) / 2;
    const off = (signs: readonly boolean[]): number =>
      Math.abs(rank.reduce((sum, value, index) => (signs[index] === true ? sum + value : sum), 0) - middle);
    const found = off(differences.map((value) => value > 0));
    const all = Array.from({ length: 2 ** sizes.length }, (_, mask) =>
      off(sizes.map((_, i) => ((mask >> i) & 1) === 1)),
    );
    return all.filter((value) => value >= found).length / all.length;
  };

  it('counts every way to give the signs, ties and all', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 9 }), (values) => {
        const without = values.filter((value) => value !== 0);
        fc.pre(without.length > 0);
        expect(wilcoxonSignedRank(values)).toBeCloseTo(naive(without), 12);
      }),
      { numRuns: 60 },
    );
  });

  it('sees ties through the rounding of a subtraction', () => {
    expect(0.3 - 0.2).not.toBe(0.2 - 0.1);
    expect(wilcoxonSignedRank([0.3 - 0.2, 0.1 - 0.2, 0.5])).toBe(wilcoxonSignedRank([1, -1, 5]));
  });
});

describe('holm', () => {
  it('is the textbook’s', () => {
    // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") = 0.03 0.06 0.06 0.02
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(holm([0.6, NaN, 0.7])).toEqual([1, NaN, 1]);
    expect(holm([])).toEqual([]);
  });

  it('keeps the order and never makes a p smaller', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 10 }), (values) => {
        const adjusted = holm(values);
        adjusted.forEach((p, index) => {
          expect(p).toBeGreaterThanOrEqual(values[index] ?? NaN);
          values.forEach((other, at) => {
            if (other < (values[index] ?? NaN)) expect(adjusted[at]).toBeLessThanOrEqual(p);
          });
        });
      }),
    );
  });
});
