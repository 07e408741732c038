import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, gaussian } from '../../src/core/random.js';
import { effectiveRank } from '../../src/metrics/effective-rank.js';

/** ± each axis, with these lengths: the centred singular values are √2 times the lengths. */
function cross(lengths: readonly number[], dimension: number): Float64Array {
  const rows = new Float64Array(2 * lengths.length * dimension);
  lengths.forEach((length, axis) => {
    rows[2 * axis * dimension + axis] = length;
    rows[(2 * axis + 1) * dimension + axis] = -length;
  });
  return rows;
}

describe('effectiveRank', () => {
  it.each([
    ['one direction', [3], 1],
    ['four equal ones', [1, 1, 1, 1], 4],
    // exp(−(3/4 ln 3/4 + 1/4 ln 1/4))
    ['two, one three times the other', [3, 1], 1.7548],
  ])('of %s', (_, lengths, expected) => {
    for (const dimension of [4, 6, 20])
      expect(effectiveRank(cross(lengths, dimension), dimension)).toBeCloseTo(expected, 3);
  });

  it('is 0 for a point, and where there is nothing to spread', () => {
    expect(effectiveRank(new Float32Array(12).fill(0.5), 4)).toBe(0);
    expect(effectiveRank(new Float32Array(4).fill(0.5), 4)).toBe(0);
    expect(effectiveRank(new Float32Array(0), 4)).toBe(0);
  });

  it('does not change when the rows are permuted, shifted, scaled or rotated, and never exceeds the rank', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 3, max: 12 }),
        fc.integer({ min: 2, max: 8 }),
        (seed, count, dimension) => {
          const random = createRandom('rank', seed);
          const rows = Float64Array.from({ length: count * dimension }, () => gaussian(random));
          const rank = effectiveRank(rows, dimension);
          expect(rank).toBeGreaterThanOrEqual(1);
          expect(rank).toBeLessThanOrEqual(Math.min(dimension, count - 1) + 1e-9);
          const shift = gaussian(random);
          const [cos, sin] = [Math.cos(shift), Math.sin(shift)];
          const changed = rows.slice();
          for (let row = 0; row < count; row++) {
            const at = (count - 1 - row) * dimension;
            for (let i = 0; i < dimension; i++) changed[at + i] = 5 * (rows[row * dimension + i] ?? 0) + shift;
            const [a, b] = [changed[at] ?? 0, changed[at + 1] ?? 0];
            changed[at] = cos * a - sin * b;
            changed[at + 1] = sin * a + cos * b;
          }
          expect(effectiveRank(changed, dimension)).toBeCloseTo(rank, 6);
        },
      ),
      { numRuns: 40 },
    );
  });
});
