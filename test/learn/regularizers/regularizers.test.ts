import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { unitRows } from '../../../src/learn/distances/unit-rows.js';
import { createBatchLayout } from '../../../src/learn/losses/batch-layout.js';
import type { Regularizer } from '../../../src/learn/regularizers/regularizer.js';
import { createRegularizer, regularizers } from '../../../src/learn/regularizers/registry.js';
import { attractionOf, describeRegularizer, penaltyOf, type RegularizerCase } from '../../contracts/regularizer.js';
import { type Batch, largestDifference, randomBatch, shapes, toTensor, useBackend } from '../losses/batches.js';
import { naiveDensity, naiveGate, naiveNeighbour, squared, unit } from '../losses/naive.js';
import {
  naiveBand,
  naiveController,
  naiveDebiasedGap,
  naiveEqualise,
  naiveFloor,
  naiveKoleo,
  naiveReference,
} from './naive.js';

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function debiasedGate(batch: Batch): number[] {
  const gap = naiveDebiasedGap(batch);
  return naiveDensity(batch).v.map((v, c) => Math.min(1, v / (4 * ((gap[c] ?? NaN) + 1e-6))));
}

const naiveMargin =
  (gain: number) =>
  (batch: Batch): number[] => {
    const padded = naiveDensity(batch).v.map((v) => v + 1e-6);
    return padded.map((v) => Math.max(0.3, Math.min(3, (v / mean(padded)) ** gain)));
  };

/** Name, options, how wide the classes are: hinges are to be met on both sides. */
type Case = Pick<RegularizerCase, 'weights' | 'margins' | 'penalty' | 'noises'>;
const cases: readonly [string, Readonly<Record<string, number>>, Case][] = [
  ['gate', {}, { weights: (batch) => naiveGate(batch, 4), noises: [0.1, 0.9] }],
  ['gate', { kappa: 0.5, neighbours: 1 }, { weights: (batch) => naiveGate(batch, 0.5, 1) }],
  ['gate', { debiased: 1 }, { weights: debiasedGate, noises: [0.5] }],
  [
    'gate-mean',
    { kappa: 2 },
    { weights: (batch) => batch.rows.slice(0, batch.m).map(() => mean(naiveGate(batch, 2))) },
  ],
  ['gate-shuffled', {}, {}],
  ['fixed', { weight: 0.25 }, { weights: (batch) => Array.from({ length: batch.m }, () => 0.25) }],
  ['margin', {}, { margins: naiveMargin(0.5), noises: [0.3] }],
  ['margin', { gain: -4 }, { margins: naiveMargin(-4), noises: [0.3] }],
  ['neighbour', {}, { penalty: ({ batch, frozen }) => naiveNeighbour(batch, 0.5, frozen), noises: [0.1] }],
  ['neighbour', { kappa: 2 }, { penalty: ({ batch, frozen }) => naiveNeighbour(batch, 2, frozen), noises: [0.3] }],
  ['band', {}, { penalty: naiveBand(0.3, 0.5), noises: [0.1, 0.4, 0.9] }],
  ['band', { lo: 0.01, hi: 0.02 }, { penalty: naiveBand(0.01, 0.02) }],
  ['reference', {}, { penalty: naiveReference, noises: [0.3, 0.9] }],
  ['floor', { spread: 0.5 }, { penalty: naiveFloor(0.5), noises: [0.2] }],
  ['equalise', {}, { penalty: naiveEqualise, noises: [0.3, 0.9] }],
  ['koleo', {}, { penalty: naiveKoleo, noises: [0.1, 0.9] }],
  ['controller', { target: 0.5 }, { penalty: naiveController(0.5, 2), noises: [0.1, 0.4, 0.9] }],
];
for (const [name, options, rest] of cases) {
  const title = [name, ...Object.entries(options).map(([key, value]) => `${key} ${value}`)].join(' ');
  describeRegularizer({ name: title, regularizer: createRegularizer(name, options), ...rest });
}

describe('gate-shuffled', () => {
  beforeAll(() => useBackend('cpu'));

  test.each(shapes)('gives the gate’s weights to other classes, the same ones for a seed: %o', (shape) => {
    const batch = randomBatch(shape, 36, 0.4);
    const weights = naiveGate(batch, 2);
    const shuffled = createRegularizer('gate-shuffled', { kappa: 2 });
    const drawn = [0, 1, 2, 3, 4].map((seed) => attractionOf(shuffled, batch, seed));
    const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
    for (const one of drawn) {
      expect(largestDifference(sorted(one), sorted(weights))).toBeLessThan(1e-4);
      weights.forEach((weight, c) => expect(Math.abs((one[c] ?? NaN) - weight)).toBeGreaterThan(1e-4));
    }
    expect(attractionOf(shuffled, batch, 3)).toEqual(drawn[3]);
    if (shape.m > 3) expect(new Set(drawn.map((one) => one.join())).size).toBeGreaterThan(1);
  });
});

describe('a gate with momentum', () => {
  beforeAll(() => useBackend('cpu'));
  const neighbours = 2;
  const batches = [0, 1, 2].map((seed) => randomBatch({ m: 3, k: 4, d: 6 }, 100 + seed, 0.3));
  // Class 1 comes in every batch, class 5 in the first and the last.
  const numbers = [[0, 1, 5], [1, 2, 3], [5, 4, 1]]; // prettier-ignore
  const weightsAt = (gate: Regularizer, step: number): number[] => {
    const layout = createBatchLayout(3, 4);
    const classes = Int32Array.from({ length: 12 }, (_, i) => numbers[step]?.[Math.floor(i / 4)] ?? NaN);
    const rows = tf.tidy(() => unitRows(toTensor(batches[step]?.rows ?? [])));
    const weights = gate.attraction?.({ unit: rows, layout, classes });
    const values = [...(weights?.dataSync() ?? [])];
    tf.dispose([rows, weights ?? []]);
    layout.dispose();
    return values;
  };
  const gate = (): Regularizer => createRegularizer('gate', { momentum: 0.6, neighbours, kappa: 2 });

  test('measures the gap between running means of every class seen so far', () => {
    const running = new Map<number, number[]>();
    const one = gate();
    numbers.forEach((names, step) => {
      const z = unit(batches[step]?.rows ?? []);
      names.forEach((name, c) => {
        const now = (z[0] ?? []).map((_, j) => mean(z.slice(c * 4, c * 4 + 4).map((row) => row[j] ?? NaN)));
        running.set(name, running.get(name)?.map((x, j) => 0.6 * x + 0.4 * (now[j] ?? NaN)) ?? now);
      });
      const { v } = naiveDensity(batches[step] ?? { m: 0, k: 0, rows: [] });
      const expected = names.map((name, c) => {
        const others = [...running].filter(([other]) => other !== name).map(([, row]) => row);
        const distances = others.map((row) => squared(row, running.get(name) ?? [])).sort((a, b) => a - b);
        return Math.min(1, (v[c] ?? NaN) / (2 * (mean(distances.slice(0, neighbours)) + 1e-6)));
      });
      expect(largestDifference(weightsAt(one, step), expected)).toBeLessThan(1e-4);
    });
    expect(running.size).toBe(6);
  });

  test('goes on from a checkpoint as if nothing had happened, and leaves no tensors behind', () => {
    const [through, first, second] = [gate(), gate(), gate()];
    const expected = [0, 1, 2].map((step) => weightsAt(through, step));
    const before = tf.memory().numTensors;
    const start = [0, 1].map((step) => weightsAt(first, step));
    second.remembered?.restore(first.remembered?.save() ?? new Map());
    expect([...start, weightsAt(second, 2)]).toEqual(expected);
    expect(weightsAt(gate(), 2)).not.toEqual(expected[2]);
    expect(tf.memory().numTensors).toBe(before);
    expect(() => second.remembered?.restore(new Map([['x', new Float32Array(1)]]))).toThrow(/running mean of no class/);
  });

  test('does not go with the debiased gap', () => {
    expect(() => createRegularizer('gate', { momentum: 0.5, debiased: 1 })).toThrow(/does not go with momentum/);
    expect(() => createRegularizer('gate', { momentum: 1 })).toThrow(/must be below 1/);
  });
});

describe('regularizers', () => {
  beforeAll(() => useBackend('cpu'));

  test('the gate stays within 0 … 1, is 1 for a loose class and near 0 for a packed one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 2, max: 4 }), fc.integer(), (m, k, seed) => {
        const weights = attractionOf(createRegularizer('gate', { kappa: 0.5 }), randomBatch({ m, k, d: 6 }, seed, 2));
        expect(weights).toHaveLength(m);
        for (const weight of weights) {
          expect(weight).toBeGreaterThanOrEqual(0);
          expect(weight).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 30, seed: 5 },
    );
    const looseAndPacked = { m: 2, k: 2, rows: [[1, 0.1], [0.1, -1], [0, 1], [0, 2]] }; // prettier-ignore
    const weights = attractionOf(createRegularizer('gate', { kappa: 0.1 }), looseAndPacked);
    expect(weights[0]).toBe(1);
    expect(weights[1]).toBeLessThan(1e-5);
  });

  test('neighbour is 0, with no gradient, where every class is loose enough', () => {
    const loose = { m: 2, k: 2, rows: [[1, 0], [0, 1], [-1, 0], [0, -1]] }; // prettier-ignore
    const { value, gradient } = penaltyOf(createRegularizer('neighbour', { kappa: 0.1 }), loose);
    expect(value).toBe(0);
    expect(gradient.every((x) => x === 0)).toBe(true);
  });

  test('neighbour by hand', () => {
    // v = 1 for both classes; means (½, ½) and (−½, −½), D = 2: missing = log(1.5 · 2) − log 1.
    const square = { m: 2, k: 2, rows: [[1, 0], [0, 1], [-1, 0], [0, -1]] }; // prettier-ignore
    expect(penaltyOf(createRegularizer('neighbour', { kappa: 1.5 }), square).value).toBeCloseTo(Math.log(3) ** 2, 4);
  });

  test('by hand: floor, koleo and controller', () => {
    // v = 1 for both classes; means (½, ½) and (−½, −½), D = 2, ρ = ½. Nearest embeddings are √2 apart.
    const square = { m: 2, k: 2, rows: [[1, 0], [0, 1], [-1, 0], [0, -1]] }; // prettier-ignore
    expect(penaltyOf(createRegularizer('floor', { spread: 2 }), square).value).toBeCloseTo(Math.log(2) ** 2, 4);
    expect(penaltyOf(createRegularizer('koleo'), square).value).toBeCloseTo(-Math.log(Math.SQRT2), 3);
    const tighter = createRegularizer('controller', { target: 0.25, gain: 1 });
    expect(penaltyOf(tighter, square).value).toBeCloseTo(Math.log(2), 4);
    expect(penaltyOf(createRegularizer('controller', { target: 5 }), square).value).toBeCloseTo(-1, 4);
  });

  test('a band outside of which nothing lies costs nothing; its ends must be in order', () => {
    const batch = randomBatch({ m: 4, k: 3, d: 6 }, 64);
    const wide = createRegularizer('band', { lo: 0.5, hi: 2 });
    const { value, gradient } = penaltyOf(wide, batch, batch);
    expect([value, ...new Set(gradient)]).toEqual([0, 0]);
    expect(() => createRegularizer('band', { lo: 0.6 })).toThrow(/must be at most hi/);
  });

  test('by name', () => {
    expect(regularizers.names).toEqual([
      'band',
      'controller',
      'equalise',
      'fixed',
      'floor',
      'gate',
      'gate-mean',
      'gate-shuffled',
      'koleo',
      'margin',
      'neighbour',
      'none',
      'reference',
    ]);
    for (const name of regularizers.names) expect(createRegularizer(name).name).toBe(name);
    const none = createRegularizer('none');
    expect([none.attraction, none.penalty]).toEqual([undefined, undefined]);
    expect(() => createRegularizer('neighbor')).toThrow(/did you mean "neighbour"/);
    expect(() => createRegularizer('none', { kappa: 1 })).toThrow(
      expect.objectContaining({ code: 'invalid-option', field: '--kappa' }),
    );
    expect(() => createRegularizer('gate', { kappa: 0 })).toThrow(expect.objectContaining({ field: '--kappa' }));
  });
});
