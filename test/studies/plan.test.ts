import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bestTrial, combinations, drawTrials } from '../../src/studies/plan.js';

describe('tuning trials', () => {
  test('are different combinations, the same ones for the same seed, never more than there are', () => {
    const space = fc.dictionary(
      fc.string({ minLength: 1, maxLength: 3 }),
      fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 3 }),
      { maxKeys: 4 },
    );
    fc.assert(
      fc.property(space, fc.integer({ min: 1, max: 20 }), fc.string(), (values, count, seed) => {
        const all = combinations(values);
        const drawn = drawTrials(values, count, seed);
        expect(all).toHaveLength(Object.values(values).reduce((product, list) => product * list.length, 1));
        expect(drawn).toHaveLength(Math.min(count, all.length));
        expect(new Set(drawn.map((choice) => JSON.stringify(choice))).size).toBe(drawn.length);
        expect(drawTrials(values, count, seed)).toEqual(drawn);
      }),
      { numRuns: 50 },
    );
  });

  test('the best mean wins; a trial that lacks a score (its run collapsed) does not; the earlier one of equals', () => {
    const a = { choice: { rate: 1 }, scores: [0.5, 0.5] };
    const b = { choice: { rate: 2 }, scores: [0.9, undefined] };
    const c = { choice: { rate: 3 }, scores: [0.2, 0.9] };
    expect(bestTrial([a, b, c])).toEqual({ rate: 3 });
    expect(bestTrial([a, { ...c, scores: [0.5, 0.5] }])).toEqual({ rate: 1 });
    expect(bestTrial([b])).toBeNull();
    expect(bestTrial([])).toBeNull();
  });
});
