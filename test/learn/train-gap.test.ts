import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collapseAdvice, overTightening } from '../../src/learn/alarms.js';
import { chooseGapSample, measureGap } from '../../src/learn/train-gap.js';

const labels = (sizes: readonly number[], prefix: string): string[] =>
  sizes.flatMap((size, i) => new Array<string>(size).fill(`${prefix}${i}`));
const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 40 });

describe('chooseGapSample', () => {
  it('takes as many classes and images of each from both sides, within its budget', () => {
    fc.assert(
      fc.property(sizes, sizes, fc.integer({ min: 1, max: 5000 }), (train, unseen, epochImages) => {
        const [ours, theirs] = [labels(train, 't'), labels(unseen, 'v')];
        const sample = chooseGapSample(ours, theirs, { seed: 1, epochImages });
        const usable = (all: readonly number[]): number => all.filter((size) => size >= 2).length;
        if (usable(train) < 2) {
          expect(sample).toBeNull();
          return;
        }
        expect(sample).not.toBeNull();
        expect(sample?.unseen === null).toBe(usable(unseen) < 2);
        const places = sample?.labels ?? [];
        expect(sample?.train.length).toBe(places.length);
        expect(places.length).toBeLessThanOrEqual(Math.max(60, 0.05 * epochImages));
        for (const [side, names] of [
          [sample?.train, ours],
          [sample?.unseen, theirs],
        ] as const) {
          // prettier-ignore
          if (!side) continue;
          expect(new Set(side).size).toBe(places.length);
          // Each place is one class and each class one place, of two images or more.
          const classOf = (i: number): string => `${places[i] ?? -1} ${names[side[i] ?? -1] ?? ''}`;
          const counts = new Map<string, number>();
          side.forEach((_, i) => counts.set(classOf(i), (counts.get(classOf(i)) ?? 0) + 1));
          expect(counts.size).toBe(new Set(places).size);
          expect(new Set(side.map((position) => names[position])).size).toBe(counts.size);
          expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(2);
        }
      }),
    );
  });

  it('depends on the seed alone', () => {
    const choose = (seed: number) =>
      chooseGapSample(labels([9, 9, 9, 9], 't'), labels([9, 9], 'v'), { seed, epochImages: 10 });
    expect(choose(3)).toEqual(choose(3));
    expect(choose(3)).not.toEqual(choose(4));
  });
});

it('measures both sides alike', () => {
  // On the circle: training classes 1° wide and 90° apart, unseen ones interleaved.
  const rows = (degrees: readonly number[]): Float32Array =>
    Float32Array.from(degrees.flatMap((at) => [Math.cos((at * Math.PI) / 180), Math.sin((at * Math.PI) / 180)]));
  const sample = { train: [0, 1, 2, 3], unseen: [1, 2, 3, 4], labels: Int32Array.from([0, 0, 1, 1]) };
  const gap = measureGap(sample, rows([0, 1, 90, 91]), rows([200, 0, 20, 10, 30]));
  expect(gap).toMatchObject({ classes: 2, images: 4, train: { recallAt1: 1 }, unseen: { recallAt1: 0 } });
  expect(gap.train.ratio).toBeLessThan(0.01);
  expect(gap.unseen?.ratio).toBeGreaterThan(1);
  expect(gap.train.effectiveRank).toBeLessThan(1.2);
  expect(measureGap({ ...sample, unseen: null }, rows([0, 1, 90, 91]), undefined).unseen).toBeNull();
});

describe('overTightening', () => {
  const settings = { loss: 'contrastive', lossOptions: {}, regularizer: 'none', learningRate: 1e-4 };
  const run = (unseen: readonly number[], train: readonly number[], ratio: readonly number[]) =>
    overTightening(
      unseen.map((recallAt1, i) => ({
        step: 10 * (i + 1),
        spreadToGap: ratio[i],
        validation: { recallAt1 },
        gap: { train: { recallAt1: train[i] } },
      })),
      settings,
    );
  const tighter = [0.5, 0.4, 0.3, 0.2];

  it('is training classes found better while unseen ones are found worse', () => {
    const warning = run([0.8, 0.85, 0.82, 0.8], [0.8, 0.9, 0.92, 0.94], tighter) ?? '';
    expect(warning).toMatch(/^over-tightening: since step 20 R@1 went from 85.0 to 81.0 on unseen classes/);
    expect(warning).toContain('v/D of the batches fell (0.40 to 0.25). Try --regularizer gate, or a --positive-weight');
  });

  it('is overfitting of another kind where density did not rise', () => {
    const warning = run([0.8, 0.85, 0.82, 0.8], [0.8, 0.9, 0.92, 0.94], [0.5, 0.5, 0.5, 0.5]) ?? '';
    expect(warning).toMatch(/^overfitting: .* Try --steps 20 or a --learning-rate below 0.0001\.$/);
  });

  it.each([
    ['unseen classes are found better, too', [0.8, 0.82, 0.85, 0.86], [0.8, 0.9, 0.92, 0.94]],
    ['one epoch is bad', [0.8, 0.85, 0.86, 0.8], [0.8, 0.9, 0.92, 0.94]],
    ['it is within chance', [0.8, 0.85, 0.845, 0.84], [0.8, 0.9, 0.92, 0.94]],
    ['training classes are found worse as well', [0.8, 0.85, 0.82, 0.8], [0.8, 0.9, 0.88, 0.85]],
    ['there is nothing to compare', [], []],
  ])('is not where %s', (_, unseen, train) => {
    expect(run(unseen, train, tighter)).toBeNull();
  });
});

it.each([
  [{ loss: 'contrastive', regularizer: 'none' }, '--regularizer gate'],
  [{ loss: 'contrastive', regularizer: 'none', lossOptions: { positiveWeight: 0.5 } }, '--positive-weight below 0.5'],
  [{ loss: 'contrastive', regularizer: 'gate' }, '--kappa'],
  [{ loss: 'triplet', regularizer: 'none', lossOptions: { miner: 'hard' } }, '--miner semi-hard'],
  [{ loss: 'triplet', regularizer: 'none' }, '--regularizer neighbour'],
  [{ loss: 'npair', regularizer: 'neighbour' }, '--lambda'],
])('the advice against a collapse fits %o', (settings, flag) => {
  const advice = collapseAdvice({ lossOptions: {}, learningRate: 0.01, ...settings });
  expect(advice).toContain(flag);
  expect(advice).toContain('--learning-rate below 0.01');
});
