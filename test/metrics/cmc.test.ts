import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cmcCurve } from '../../src/metrics/cmc.js';
import { recallAtK } from '../../src/metrics/recall-at-k.js';

describe('cmcCurve', () => {
  it('is worked out by hand', () => {
    expect(cmcCurve([1, 3, 3, 9], 4)).toEqual([0.25, 0.25, 0.75, 0.75]);
  });

  it('is Recall@K at every K', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1 }), (first) => {
        cmcCurve(first).forEach((value, index) => {
          const hits = first.map((rank) => recallAtK(Int32Array.of(rank), index + 1));
          expect(value).toBeCloseTo(hits.reduce((sum, hit) => sum + hit, 0) / first.length, 12);
        });
      }),
    );
  });
});
