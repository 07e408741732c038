import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classDensities, summarizeDensity } from '../../src/metrics/density.js';
import { clusters, flatten, squared, type Vector } from './naive.js';

/** The formulas of docs/evaluation.md, term by term. */
function naive(rows: readonly Vector[], labels: readonly number[]) {
  const classes = [...new Set(labels)].filter((label) => label >= 0).sort((a, b) => a - b);
  const groups = classes
    .map((label) => ({ label, members: rows.filter((_, index) => labels[index] === label) }))
    .filter(({ members }) => members.length >= 2)
    .map(({ label, members }) => ({
      label,
      members,
      mean: (members[0] ?? []).map((_, i) => members.reduce((sum, row) => sum + (row[i] ?? 0), 0) / members.length),
    }));
  return groups.map(({ label, members, mean }) => {
    const spread = members.reduce((sum, row) => sum + squared(row, mean), 0) / (members.length - 1);
    const others = groups.filter((group) => group.label !== label).map((group) => squared(mean, group.mean));
    const nearest = others.sort((a, b) => a - b).slice(0, 3);
    const gap = nearest.reduce((sum, value) => sum + value, 0) / nearest.length;
    return { label, images: members.length, spread, gap, ratio: spread / gap };
  });
}

describe('classDensities', () => {
  it('gives the values worked out by hand', () => {
    // A: 0 and 2 (mean 1, v = 2). B: 9 and 11 (mean 10, v = 2). C: 20 twice (v = 0). D alone.
    const found = classDensities(
      flatten([[0], [9], [20], [2], [11], [20], [50]]),
      Int32Array.of(4, 7, 9, 4, 7, 9, 11),
      1,
    );
    expect(found).toEqual([
      { label: 4, images: 2, spread: 2, gap: (81 + 361) / 2, ratio: 2 / 221 },
      { label: 7, images: 2, spread: 2, gap: (81 + 100) / 2, ratio: 2 / 90.5 },
      { label: 9, images: 2, spread: 0, gap: (100 + 361) / 2, ratio: 0 },
    ]);
  });

  it('agrees with plain loops', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 3, maxLength: 9 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (seed, sizes, noise) => {
          const set = clusters(seed, [2, 2, ...sizes], 5, noise);
          const labels = set.labels.map((label) => (label === 3 ? -1 : label));
          const found = classDensities(set.embeddings, Int32Array.from(labels), 5);
          const expected = naive(set.rows, labels);
          expect(found.map(({ label, images }) => [label, images])).toEqual(
            expected.map(({ label, images }) => [label, images]),
          );
          found.forEach(({ spread, gap, ratio }, index) => {
            expect(spread).toBeCloseTo(expected[index]?.spread ?? NaN, 10);
            expect(gap).toBeCloseTo(expected[index]?.gap ?? NaN, 10);
            expect(ratio / (expected[index]?.ratio ?? NaN)).toBeCloseTo(1, 8);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps its digits for a class of hardly any spread', () => {
    const tiny = 2 ** -20;
    const [first] = classDensities(flatten([[1 - tiny], [1 + tiny], [0], [0.5]]), Int32Array.of(0, 0, 1, 1), 1);
    expect(first?.spread).toBe(2 * tiny * tiny);
  });

  it('scales both by the square of the size and leaves the ratio', () => {
    const set = clusters(8, [3, 3, 4, 2], 6, 0.5);
    const doubled = classDensities(
      set.embeddings.map((value) => value * 2),
      set.labelArray,
      6,
    );
    classDensities(set.embeddings, set.labelArray, 6).forEach(({ spread, gap, ratio }, index) => {
      expect(doubled[index]?.spread).toBeCloseTo(4 * spread, 12);
      expect(doubled[index]?.gap).toBeCloseTo(4 * gap, 12);
      expect(doubled[index]?.ratio).toBeCloseTo(ratio, 12);
    });
  });

  it('measures nothing without two classes of two', () => {
    const densities = classDensities(flatten([[0], [1], [2]]), Int32Array.of(0, 0, 1), 1);
    expect(densities).toEqual([]);
    expect(summarizeDensity(densities)).toBeNull();
  });

  it('calls classes that sit on one point infinitely loose only when they are spread', () => {
    const found = classDensities(flatten([[-1], [1], [0], [0]]), Int32Array.of(0, 0, 1, 1), 1);
    expect(found.map(({ ratio }) => ratio)).toEqual([Infinity, 0]);
  });
});

describe('summarizeDensity', () => {
  it('gives median and tenths', () => {
    const densities = Array.from({ length: 11 }, (_, i) => ({
      label: i,
      images: 2,
      spread: i,
      gap: 10,
      ratio: i / 10,
    }));
    const summary = summarizeDensity(densities);
    expect(summary).toMatchObject({
      classes: 11,
      spread: { p10: 1, median: 5, p90: 9 },
      gap: { p10: 10, median: 10, p90: 10 },
      ratio: { median: 0.5, p90: 0.9 },
    });
    expect(summary?.ratio.p10).toBeCloseTo(0.1, 12);
  });
});
