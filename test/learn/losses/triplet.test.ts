import { describe, expect, test } from 'vitest';
import { createLoss } from '../../../src/learn/losses/registry.js';
import { describeLoss } from '../../contracts/loss.js';
import { evaluateLoss } from './batches.js';
import { naiveTriplet } from './naive-pairs.js';

for (const miner of ['semi-hard', 'hard', 'all'] as const) {
  describeLoss(`triplet, ${miner}`, createLoss('triplet', { miner }), naiveTriplet(0.2, miner), true);
}
describeLoss('triplet, margin 1', createLoss('triplet', { margin: 1 }), naiveTriplet(1, 'semi-hard'), true);
for (const distance of ['euclidean', 'cosine'] as const) {
  const loss = createLoss('triplet', { distance, miner: 'all', margin: 0.3 });
  describeLoss(`triplet, ${distance} distance`, loss, naiveTriplet(0.3, 'all', distance), true, { brief: true });
}
const drawn = createLoss('triplet', { miner: 'distance-weighted', margin: 1 });
describeLoss('triplet, distance-weighted', drawn, naiveTriplet(1, 'distance-weighted'), true, { drawsByLot: true });

describe('triplet by hand', () => {
  const at = (degrees: number): number[] => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const between = (degrees: number): number => 2 - 2 * Math.cos((degrees * Math.PI) / 180);
  // Class 0 at 0° and 40°, class 1 at 30° and 100°.
  const batch = { m: 2, k: 2, rows: [at(0), at(40), at(30), at(100)] };
  const hinge = (positive: number, negative: number): number =>
    Math.max(0, between(positive) - between(negative) + 0.2);

  test('semi-hard: the nearest negative beyond the positive, else the farthest', () => {
    const value = evaluateLoss(createLoss('triplet'), batch).value;
    // Anchors 0°, 40°, 30°, 100°; the positives are 40, 40, 70 and 70 degrees away. From 30° both negatives are nearer
    // than that, so the farther of the two (0°) counts.
    const expected = (hinge(40, 100) + hinge(40, 60) + hinge(70, 30) + hinge(70, 100)) / 4;
    expect(value).toBeCloseTo(expected, 5);
  });

  test('hard: the nearest negative', () => {
    const value = evaluateLoss(createLoss('triplet', { miner: 'hard' }), batch).value;
    const expected = (hinge(40, 30) + hinge(40, 10) + hinge(70, 10) + hinge(70, 60)) / 4;
    expect(value).toBeCloseTo(expected, 5);
  });

  test('all: the mean over triplets that violate the margin', () => {
    const value = evaluateLoss(createLoss('triplet', { miner: 'all' }), batch).value;
    const terms = [[40, 30], [40, 100], [40, 10], [40, 60], [70, 30], [70, 10], [70, 100], [70, 60]] as const; // prettier-ignore
    const active = terms.map(([p, n]) => hinge(p, n)).filter((term) => term > 0);
    expect(active.length).toBeLessThan(terms.length);
    expect(value).toBeCloseTo(active.reduce((sum, term) => sum + term, 0) / active.length, 5);
  });

  test('is 0, with no gradient, where classes are tight and far apart', () => {
    const apart = { m: 2, k: 2, rows: [at(0), at(1), at(90), at(91)] };
    for (const miner of ['semi-hard', 'hard', 'all']) {
      const { value, gradient } = evaluateLoss(createLoss('triplet', { miner }), apart);
      expect(value).toBe(0);
      expect(gradient.every((x) => x === 0)).toBe(true);
    }
  });
});
