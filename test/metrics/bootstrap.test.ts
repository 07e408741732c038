import { describe, expect, it } from 'vitest';
import { createRandom, gaussian } from '../../src/core/random.js';
import { bootstrapDifference, bootstrapMean, bootstrapMeasure, quantile } from '../../src/metrics/bootstrap.js';

const groups = (seed: number, classes: number) => {
  const random = createRandom(seed, 'test');
  return Array.from({ length: classes }, () => ({
    count: 1 + Math.floor(random() * 8),
    mean: 0.5 + 0.1 * gaussian(random),
  }));
};

const asClasses = (list: ReturnType<typeof groups>, shift = 0) =>
  list.map(({ count, mean }, label) => ({ label, queries: count, values: { 'recall@1': mean + shift } }));

describe('quantile', () => {
  it('interpolates between the sorted values', () => {
    const values = Float64Array.of(0, 10, 20, 30);
    expect([0, 0.5, 1, 0.1].map((p) => quantile(values, p))).toEqual([0, 15, 30, expect.closeTo(3, 12)]);
  });
});

describe('bootstrapMean', () => {
  it('is a point when all classes agree', () => {
    expect(bootstrapMean([3, 5, 9].map((count) => ({ count, mean: 0.25 })))).toEqual([0.25, 0.25]);
  });

  it('gives the same numbers for the same seed, others for another', () => {
    const list = groups(1, 30);
    expect(bootstrapMean(list, { seed: 7 })).toEqual(bootstrapMean(list, { seed: 7 }));
    expect(bootstrapMean(list, { seed: 7 })).not.toEqual(bootstrapMean(list, { seed: 8 }));
  });

  it('comes out as wide as the standard error of the mean over equally large classes says', () => {
    const random = createRandom(3);
    const list = Array.from({ length: 400 }, () => ({ count: 2, mean: 0.5 + 0.1 * gaussian(random) }));
    const mean = list.reduce((sum, group) => sum + group.mean, 0) / list.length;
    const error = Math.sqrt(list.reduce((sum, group) => sum + (group.mean - mean) ** 2, 0) / list.length / list.length);
    const [low, high] = bootstrapMean(list, { resamples: 4000 });
    expect((high - low) / (2 * 1.96 * error)).toBeCloseTo(1, 1);
    expect((high + low) / 2).toBeCloseTo(mean, 2);
  });

  it('weighs classes by their queries', () => {
    const [low, high] = bootstrapMean([
      { count: 999, mean: 1 },
      { count: 1, mean: 0 },
    ]);
    expect([low, high]).toEqual([0, 1]);
    expect(
      bootstrapMean(
        [
          { count: 999, mean: 1 },
          { count: 1, mean: 0 },
        ],
        { confidence: 0 },
      )[0],
    ).toBeCloseTo(0.999, 12);
  });

  it('has nothing to say about no classes', () => {
    expect(bootstrapMean([])).toEqual([NaN, NaN]);
  });
});

describe('bootstrapDifference', () => {
  it('sees through what both sides share', () => {
    const list = groups(2, 40);
    const [low, high] = bootstrapDifference(asClasses(list, 0.03), asClasses(list), 'recall@1');
    expect(low).toBeCloseTo(0.03, 10);
    expect(high).toBeCloseTo(0.03, 10);
    const [lowAlone, highAlone] = bootstrapMeasure(asClasses(list), 'recall@1');
    expect(highAlone - lowAlone).toBeGreaterThan(0.01);
  });

  it('leaves out classes that one side lacks', () => {
    const list = groups(2, 5);
    const [low] = bootstrapDifference(asClasses(list, 0.5), asClasses(list).slice(2), 'recall@1');
    expect(low).toBeCloseTo(0.5, 10);
  });
});
