import { describe, expect, test } from 'vitest';
import { createLoss } from '../../../src/learn/losses/registry.js';
import { describeLoss } from '../../contracts/loss.js';
import { evaluateLoss } from './batches.js';
import { naiveNpair } from './naive.js';

describeLoss('npair', createLoss('npair'), naiveNpair(0.02), true);
describeLoss('npair without its length term', createLoss('npair', { l2: 0 }), naiveNpair(0), true);

describe('npair by hand', () => {
  const batch = { m: 2, k: 2, rows: [[2, 0], [1, 1], [0, 1], [-1, 3]] }; // prettier-ignore

  test('softmax cross-entropy over the images at the other position', () => {
    // Dot products with position 1: of (2, 0) with (1, 1) and (−1, 3); of (0, 1). With position 0: of (1, 1), of (−1, 3).
    const crossEntropy = (right: number, wrong: number): number => Math.log(1 + Math.exp(wrong - right));
    const terms = [crossEntropy(2, -2), crossEntropy(3, 1), crossEntropy(2, 1), crossEntropy(3, -2)];
    const mean = terms.reduce((sum, term) => sum + term, 0) / 4;
    const meanLength = (4 + 2 + 1 + 10) / 4;
    expect(evaluateLoss(createLoss('npair'), batch).value).toBeCloseTo(mean + 0.02 * meanLength, 5);
  });

  test('long embeddings neither overflow nor vanish', () => {
    const long = { ...batch, rows: batch.rows.map((row) => row.map((x) => x * 100)) };
    const { value, gradient } = evaluateLoss(createLoss('npair', { l2: 0 }), long);
    expect(value).toBeCloseTo(0, 4);
    expect(gradient.every(Number.isFinite)).toBe(true);
    const wrong = { m: 2, k: 2, rows: [[100, 0], [0, 100], [0, 100], [100, 0]] }; // prettier-ignore
    expect(evaluateLoss(createLoss('npair', { l2: 0 }), wrong).value).toBeCloseTo(10_000, 0);
  });
});
