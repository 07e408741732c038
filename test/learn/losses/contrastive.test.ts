import { describe, expect, test } from 'vitest';
import { createLoss } from '../../../src/learn/losses/registry.js';
import { describeLoss } from '../../contracts/loss.js';
import { evaluateLoss } from './batches.js';
import { naiveContrastive } from './naive-pairs.js';

describeLoss('contrastive', createLoss('contrastive'), naiveContrastive(0.5, 1), false);
describeLoss(
  'contrastive, margin 1, positive weight 0.1',
  createLoss('contrastive', { margin: 1, positiveWeight: 0.1 }),
  naiveContrastive(1, 0.1),
  false,
);
describeLoss(
  'contrastive, cosine distance',
  createLoss('contrastive', { distance: 'cosine' }),
  naiveContrastive(0.125, 1, 'cosine'),
  false,
  { brief: true },
);
describeLoss(
  'contrastive, squared distance',
  createLoss('contrastive', { distance: 'squared', margin: 1 }),
  naiveContrastive(1, 1, 'squared'),
  false,
  { brief: true },
);

describe('contrastive by hand', () => {
  // Class 0 at 0° and 90°, class 1 at 180° and 270°.
  const square = { m: 2, k: 2, rows: [[1, 0], [0, 1], [-1, 0], [0, -1]] }; // prettier-ignore

  test('positives at d² = 2 cost 2; negatives outside the margin cost nothing', () => {
    expect(evaluateLoss(createLoss('contrastive'), square).value).toBeCloseTo(2, 5);
  });

  test('negatives inside the margin cost (m − d)², averaged over those inside only', () => {
    // Of the 8 ordered negative pairs 4 are at √2 and 4 at 2: only the first are inside 1.6.
    const expected = 2 + (1.6 - Math.SQRT2) ** 2;
    expect(evaluateLoss(createLoss('contrastive', { margin: 1.6 }), square).value).toBeCloseTo(expected, 5);
  });

  test('the weights of the gate and the constant one multiply', () => {
    const loss = createLoss('contrastive', { positiveWeight: 0.5 });
    expect(evaluateLoss(loss, square, [0.2, 0.6]).value).toBeCloseTo(2 * 0.5 * 0.4, 5);
  });

  test('is 0 where every class is a point and the points are a margin apart', () => {
    const apart = { m: 2, k: 2, rows: [[1, 0], [2, 0], [0, 1], [0, 3]] }; // prettier-ignore
    const { value, gradient } = evaluateLoss(createLoss('contrastive'), apart);
    expect(value).toBeCloseTo(0, 6);
    expect([...gradient].every((x) => Math.abs(x) < 1e-6)).toBe(true);
  });
});
