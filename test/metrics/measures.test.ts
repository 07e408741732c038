import { describe, expect, it } from 'vitest';
import { averagePrecision } from '../../src/metrics/average-precision.js';
import { mapAtR } from '../../src/metrics/map-at-r.js';
import { precisionAtK } from '../../src/metrics/precision-at-k.js';
import { rPrecision } from '../../src/metrics/r-precision.js';
import { recallAtK } from '../../src/metrics/recall-at-k.js';
import { reciprocalRank } from '../../src/metrics/reciprocal-rank.js';

/** Worked by hand: hits at 1, 3 and 6 of the ranking, R = 3. */
const ranks = Int32Array.of(1, 3, 6);
/** The first hit comes after rank R. */
const late = Int32Array.of(4, 5);

describe('measures of one query', () => {
  it('Recall@K asks whether any of the K nearest is relevant', () => {
    expect([1, 2, 8].map((k) => recallAtK(ranks, k))).toEqual([1, 1, 1]);
    expect([1, 3, 4].map((k) => recallAtK(late, k))).toEqual([0, 0, 1]);
  });

  it('P@K is the share of relevant ones', () => {
    expect([1, 2, 4, 8].map((k) => precisionAtK(ranks, k))).toEqual([1, 1 / 2, 2 / 4, 3 / 8]);
  });

  it('R-precision looks R deep', () => {
    expect(rPrecision(ranks)).toBe(2 / 3);
    expect(rPrecision(late)).toBe(0);
  });

  it('MAP@R adds the precision at each hit among the first R, over R', () => {
    expect(mapAtR(ranks)).toBeCloseTo((1 / 1 + 2 / 3) / 3, 12);
    expect(mapAtR(late)).toBe(0);
    expect(mapAtR(Int32Array.of(1, 2, 3))).toBe(1);
  });

  it('MAP@R prefers the earlier hit where R-precision sees no difference', () => {
    const [early, later] = [Int32Array.of(1, 9, 10), Int32Array.of(3, 9, 10)];
    expect(rPrecision(early)).toBe(rPrecision(later));
    expect(mapAtR(early)).toBe(1 / 3);
    expect(mapAtR(later)).toBe(1 / 9);
  });

  it('average precision counts every hit', () => {
    expect(averagePrecision(ranks)).toBeCloseTo((1 + 2 / 3 + 3 / 6) / 3, 12);
    expect(averagePrecision(late)).toBeCloseTo((1 / 4 + 2 / 5) / 2, 12);
  });

  it('the reciprocal rank looks beyond R', () => {
    expect(reciprocalRank(ranks)).toBe(1);
    expect(reciprocalRank(late)).toBe(1 / 4);
  });
});
