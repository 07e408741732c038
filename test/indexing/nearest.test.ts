import fc from 'fast-check';
import { expect, it } from 'vitest';
import { squaredDistance } from '../../src/core/vectors.js';
import { Nearest } from '../../src/indexing/embedded/nearest.js';
import { squaredDistanceAt } from '../../src/indexing/embedded/vector-store.js';

it('keeps the smallest pairs in order, ties by the given comparison', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), fc.integer({ min: 0, max: 12 }), (distances, limit) => {
      const nearest = new Nearest(limit, (a, b) => b - a);
      distances.forEach((distance, slot) => nearest.offer(distance, slot));
      const expected = distances
        .map((distance, slot) => ({ distance, slot }))
        .sort((a, b) => a.distance - b.distance || b.slot - a.slot)
        .slice(0, limit);
      expect(nearest.sorted()).toEqual(expected);
      if (limit > 0) expect(nearest.worst).toBe(distances.length < limit ? Infinity : expected.at(-1)?.distance);
    }),
  );
});

it('measures as the plain loop does, for every dimension, and gives up only beyond the bound', () => {
  const value = fc.float({ min: -1, max: 1, noNaN: true });
  const pair = fc
    .integer({ min: 1, max: 70 })
    .chain((n) =>
      fc.tuple(fc.array(value, { minLength: n, maxLength: n }), fc.array(value, { minLength: n, maxLength: n })),
    );
  fc.assert(
    fc.property(pair, fc.float({ min: 0, max: 20, noNaN: true }), ([a, b], bound) => {
      const query = Float32Array.from(b);
      const data = Float32Array.from([...b, ...a]);
      const expected = squaredDistance(Float32Array.from(a), query);
      expect(squaredDistanceAt(data, b.length, query)).toBeCloseTo(expected, 6);
      const bounded = squaredDistanceAt(data, b.length, query, bound);
      if (bounded === Infinity) expect(expected).toBeGreaterThan(bound - 1e-9);
      else expect(bounded).toBeCloseTo(expected, 6);
    }),
  );
});
