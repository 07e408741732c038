import { describe, expect, test } from 'vitest';
import { createRandom, gaussian } from '../../../src/core/random.js';
import { l2Normalize } from '../../../src/core/vectors.js';
import { collectPairs, galleryDensities } from '../../../src/evaluate/calibration/pairs.js';

const dimension = 6;
const count = 40;

function points(seed: string): number[][] {
  const random = createRandom('pairs', seed);
  return Array.from({ length: count }, () => [
    ...l2Normalize(Float32Array.from({ length: dimension }, () => gaussian(random))),
  ]);
}

const squared = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + (value - (b[i] ?? NaN)) ** 2, 0);

/** Every other point's number and squared distance, nearest first. */
const others = (all: readonly number[][], self: number): { index: number; distance: number }[] =>
  all
    .map((point, index) => ({ index, distance: squared(point, all[self] ?? []) }))
    .filter(({ index }) => index !== self)
    .sort((a, b) => a.distance - b.distance);

const densityOf = (all: readonly number[][], self: number): number =>
  -Math.log(
    others(all, self)
      .slice(0, 10)
      .reduce((sum, { distance }) => sum + distance, 0) / 10,
  );

describe('pairs against naive loops', () => {
  // Queries that are neither all items nor in their order: each end's density must still be its own.
  const selves = [31, 4, 17];
  const all = points('all');
  const gallery = Float32Array.from(all.flat());
  const classes = Int32Array.from({ length: count }, (_, index) => index % 5);

  test('distances, classes and the densities of both ends', async () => {
    const found = await collectPairs({
      gallery,
      galleryClasses: classes,
      queries: Float32Array.from(selves.flatMap((self) => all[self] ?? [])),
      queryClasses: Int32Array.from(selves, (self) => self % 5),
      selves: Int32Array.from(selves),
      dimension,
    });
    expect(found).toHaveLength(selves.length);
    found.forEach(({ pairs, relevant }, query) => {
      const self = selves[query] ?? -1;
      const expected = others(all, self);
      expect(pairs).toHaveLength(count - 1);
      expect(relevant).toBe(7);
      pairs.forEach((pair, rank) => {
        const { index = -1, distance = NaN } = expected[rank] ?? {};
        expect(pair).toMatchObject({
          queryClass: self % 5,
          itemClass: index % 5,
          same: index % 5 === self % 5 ? 1 : 0,
        });
        expect(pair.distance).toBeCloseTo(distance, 5);
        expect(pair.queryDensity).toBeCloseTo(densityOf(all, self), 5);
        expect(pair.itemDensity).toBeCloseTo(densityOf(all, index), 5);
      });
    });
  });

  test('densities of every item of a gallery, in its order', async () => {
    const densities = await galleryDensities(gallery, dimension);
    expect(densities).toHaveLength(count);
    densities.forEach((density, index) => expect(density).toBeCloseTo(densityOf(all, index), 5));
  });
});
