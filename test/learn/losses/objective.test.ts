import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createLoss, losses } from '../../../src/learn/losses/registry.js';
import { createObjective, objectiveFor, validateCombination } from '../../../src/learn/objective.js';
import { createRegularizer, regularizers } from '../../../src/learn/regularizers/registry.js';
import {
  type Batch,
  differences,
  evaluate,
  type Evaluated,
  largestDifference,
  randomBatch,
  useBackend,
} from './batches.js';
import { naiveDensity, naiveGate, naiveNeighbour, naiveNpair, squared, unit } from './naive.js';
import { naiveContrastive, naiveTriplet } from './naive-pairs.js';
import { refusal } from './refusal.js';

const naive = {
  contrastive: naiveContrastive(0.5, 1),
  triplet: naiveTriplet(0.2, 'semi-hard'),
  npair: naiveNpair(0.02),
};
const names = ['contrastive', 'triplet', 'npair'] as const;

function objective(loss: string, regularizer: string, batch: Batch, lambda?: number): Evaluated {
  const made = createObjective({ loss: createLoss(loss), regularizer: createRegularizer(regularizer), lambda });
  return evaluate(batch, (embeddings, layout) => made.compute(embeddings, layout).total);
}

describe.each(['cpu', 'wasm'] as const)('a loss with a density term on the %s backend', (backend) => {
  beforeAll(() => useBackend(backend));
  const batch = randomBatch({ m: 5, k: 4, d: 8 }, 41, 0.4);

  test.each(names)('%s with the gate', (name) => {
    const weights = naiveGate(batch, 4);
    const expected = differences(batch.rows, (rows) => naive[name]({ ...batch, rows, weights, frozen: batch.rows }));
    const actual = objective(name, 'gate', batch);
    expect(largestDifference(actual.gradient, expected)).toBeLessThan(1e-4);
    const value = naive[name]({ ...batch, weights, frozen: batch.rows });
    expect(largestDifference([actual.value], [value])).toBeLessThan(1e-5);
  });

  test.each(names)('%s with λ times the neighbour penalty', (name) => {
    const value = (rows: Batch['rows']): number =>
      naive[name]({ ...batch, rows }) + 0.3 * naiveNeighbour({ ...batch, rows }, 0.5, batch.rows);
    const actual = objective(name, 'neighbour', batch, 0.3);
    expect(largestDifference([actual.value], [value(batch.rows)])).toBeLessThan(1e-4);
    expect(largestDifference(actual.gradient, differences(batch.rows, value))).toBeLessThan(1e-4);
  });
});

describe('an objective', () => {
  beforeAll(() => useBackend('cpu'));
  const batch = randomBatch({ m: 4, k: 2, d: 6 }, 42, 0.3);

  test('takes the regularizer’s own λ for the loss where none is given', () => {
    const lambdas = names.map((name) => {
      const parts = { loss: createLoss(name), regularizer: createRegularizer('neighbour') };
      return createObjective(parts).lambda;
    });
    expect(lambdas).toEqual([0.1, 0.03, 0.03]);
  });

  test('with λ 0, or without a regularizer, is the loss alone', () => {
    for (const name of names) {
      const alone = objective(name, 'none', batch);
      expect(objective(name, 'neighbour', batch, 0)).toEqual(alone);
      expect(largestDifference([alone.value], [naive[name](batch)])).toBeLessThan(1e-5);
    }
  });

  test('tells its parts', () => {
    const made = createObjective({
      loss: createLoss('triplet'),
      regularizer: createRegularizer('neighbour'),
      lambda: 2,
    });
    evaluate(batch, (embeddings, layout) => {
      const { total, loss, penalty, attraction } = made.compute(embeddings, layout);
      const [sum, part, rest] = [total, loss, penalty ?? tf.scalar(NaN)].map((scalar) => scalar.dataSync()[0] ?? NaN);
      expect(sum).toBeCloseTo((part ?? NaN) + 2 * (rest ?? NaN), 4);
      expect(attraction).toBeUndefined();
      return total;
    });
    const gated = createObjective({ loss: createLoss('triplet'), regularizer: createRegularizer('gate') });
    evaluate(batch, (embeddings, layout) => {
      const { total, penalty, attraction } = gated.compute(embeddings, layout);
      expect(attraction?.shape).toEqual([4]);
      expect(penalty).toBeUndefined();
      return total;
    });
  });

  test('descending it packs the classes, and the gate packs them less', () => {
    const meanRatio = (rows: Batch['rows']): number =>
      naiveGate({ ...batch, rows }, 1).reduce((sum, ratio) => sum + ratio, 0) / batch.m;
    const descend = (regularizer: string): number => {
      let { rows } = batch;
      for (let step = 0; step < 60; step++) {
        const { gradient } = objective('contrastive', regularizer, { ...batch, rows });
        rows = rows.map((row, i) => row.map((x, j) => x - 0.3 * (gradient[i * row.length + j] ?? NaN)));
      }
      return meanRatio(rows);
    };
    expect(descend('none')).toBeLessThan(0.5 * descend('gate'));
    expect(descend('gate')).toBeLessThan(meanRatio(batch.rows));
  });
});

describe('combinations', () => {
  test('every known pair is accepted with batches large enough', () => {
    for (const loss of losses.names) {
      for (const regularizer of regularizers.names) {
        expect(() => validateCombination(loss, regularizer, { classesPerBatch: 2, imagesPerClass: 2 })).not.toThrow();
      }
    }
  });

  test('unknown names get the known ones, the closest, and the flag', () => {
    const batch = { classesPerBatch: 16, imagesPerClass: 4 };
    expect(refusal(() => validateCombination('n-pair', 'none', batch))).toMatchObject({
      code: 'unknown-name',
      field: '--loss',
      message: 'unknown loss "n-pair" (did you mean "npair"?)',
    });
    expect(refusal(() => validateCombination('npair', 'gates', batch))).toMatchObject({
      code: 'unknown-name',
      field: '--regularizer',
      hint: `Known: ${regularizers.names.join(', ')}.`,
    });
  });

  test('batches too small are refused, naming the flag and the remedy', () => {
    const oneImage = refusal(() =>
      validateCombination('contrastive', 'gate', { classesPerBatch: 16, imagesPerClass: 1 }),
    );
    expect(oneImage).toMatchObject({ code: 'invalid-option', field: '--images-per-class' });
    expect(oneImage.hint).toContain('--images-per-class 4');
    const oneClass = refusal(() => validateCombination('triplet', 'none', { classesPerBatch: 1, imagesPerClass: 4 }));
    expect(oneClass).toMatchObject({ code: 'invalid-option', field: '--classes-per-batch' });
  });
});

describe('margins by density', () => {
  beforeAll(() => useBackend('cpu'));
  const batch = randomBatch({ m: 4, k: 3, d: 6 }, 47, 0.5);
  const spreads = naiveDensity(batch).v.map((v) => v + 1e-6);
  const average = spreads.reduce((sum, v) => sum + v, 0) / spreads.length;
  const scale = spreads.map((v) => Math.max(0.3, Math.min(3, (v / average) ** 2)));
  const settings = {
    ...{ lossOptions: { margin: 1 }, regularizer: 'margin', regularizerOptions: { gain: 2 }, lambda: undefined },
    ...{ seed: 0, steps: 10, classesPerBatch: 4, imagesPerClass: 3 },
  };
  /** The anchor's class decides. */
  const at = (loss: string, rows: Batch['rows']): number => {
    const z = unit(rows);
    const d2 = (i: number, j: number): number => squared(z[i] ?? [], z[j] ?? []);
    const terms: number[] = [];
    let positive = 0;
    for (let a = 0; a < 12; a++) {
      const c = Math.floor(a / 3);
      const margin = scale[c] ?? NaN;
      const others = z.map((_, n) => n).filter((n) => Math.floor(n / 3) !== c);
      if (loss === 'contrastive') {
        terms.push(...others.map((n) => Math.max(0, margin - Math.sqrt(d2(a, n) + 1e-8)) ** 2).filter((x) => x > 0));
        for (let p = c * 3; p < c * 3 + 3; p++) if (p !== a) positive += d2(a, p) / 24;
      } else {
        for (let p = c * 3; p < c * 3 + 3; p++) {
          const farther = others.map((n) => d2(a, n)).filter((d) => d > d2(a, p));
          const negative = farther.length > 0 ? Math.min(...farther) : Math.max(...others.map((n) => d2(a, n)));
          if (p !== a) terms.push(Math.max(0, d2(a, p) - negative + margin));
        }
      }
    }
    return positive + terms.reduce((sum, x) => sum + x, 0) / Math.max(1, terms.length);
  };

  test.each(['contrastive', 'triplet'])(
    'scale those of %s, anchor by anchor, without a gradient of their own',
    (loss) => {
      const made = objectiveFor({ ...settings, loss });
      const actual = evaluate(batch, (embeddings, layout) => made.compute(embeddings, layout).total);
      expect(actual.value).toBeCloseTo(at(loss, batch.rows), 4);
      const expected = differences(batch.rows, (rows) => at(loss, rows));
      expect(largestDifference(actual.gradient, expected)).toBeLessThan(1e-3);
    },
  );

  test('are refused for a loss that has none to scale', () => {
    const found = refusal(() => objectiveFor({ ...settings, loss: 'npair', lossOptions: {} }));
    expect(found.message).toBe('--regularizer: margin does not apply to the npair loss');
    expect(found.hint).toBe('Use it with --loss contrastive, triplet.');
  });
});
