import { describe, expect, test } from 'vitest';
import { createRandom, gaussian } from '../../../src/core/random.js';
import { crossValidate, bestOf, fitPairs } from '../../../src/evaluate/calibration/fit.js';
import type { LabelledPair } from '../../../src/evaluate/calibration/pairs.js';
import { applyFit, type ScoredPair } from '../../../src/model/calibration.js';

/** What the pairs below are drawn from: a distance is judged against how dense it is around the query. */
const truth = ({ distance, queryDensity }: ScoredPair): number =>
  1 / (1 + Math.exp(2 * (Math.log(distance) + (queryDensity ?? NaN))));

/** Pairs of 20 classes; densities over five orders of spread, distances about as far as they say. */
function drawn(count: number): LabelledPair[] {
  const random = createRandom('drawn pairs');
  return Array.from({ length: count }, (_, index) => {
    const queryDensity = 1 + 2 * random();
    const distance = Math.exp(-queryDensity + 0.8 * gaussian(random));
    const pair = { distance, queryDensity, itemDensity: 1 + 2 * random() };
    const same = random() < truth(pair) ? 1 : 0;
    return { ...pair, same, queryClass: index % 20, itemClass: same ? index % 20 : (index + 1) % 20 };
  });
}

describe('fits of pairs', () => {
  const pairs = drawn(6000);
  const off = (density: boolean, method: 'logistic' | 'isotonic'): number => {
    const fit = fitPairs(pairs, { method, density });
    return pairs.reduce((sum, pair) => sum + Math.abs(applyFit(fit, pair) - truth(pair)), 0) / pairs.length;
  };

  test.each(['logistic', 'isotonic'] as const)('%s finds the probabilities that pairs were drawn from', (method) => {
    expect(off(true, method)).toBeLessThan(0.025);
    // The same distances without what they are to be judged against.
    expect(off(false, method)).toBeGreaterThan(0.1);
  });

  test('cross-validation prefers the fit with densities where they matter', () => {
    const candidates = crossValidate(pairs);
    expect(bestOf(candidates).density).toBe(true);
    expect(bestOf(candidates, true).brier).toBeLessThan(bestOf(candidates, false).brier - 0.02);
  });

  test('duplicates, denser than anything the fit has seen, are likely right', () => {
    for (const method of ['logistic', 'isotonic'] as const) {
      const duplicate = { distance: 0, queryDensity: 13.8, itemDensity: 13.8 };
      expect(applyFit(fitPairs(pairs, { method, density: true }), duplicate)).toBeGreaterThan(0.9);
    }
  });
});
