import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, shuffled } from '../../src/core/random.js';
import { l2Normalize } from '../../src/core/vectors.js';
import { retrievalMetrics } from '../../src/metrics/retrieval.js';
import { clusters, flatten, naiveMeasures, ranking, type Vector } from './naive.js';

interface Set {
  readonly rows: readonly Vector[];
  readonly labels: readonly number[];
}

/** The mean over queries of what plain loops say, and the number of queries. */
function naive(queries: Set, ks: readonly number[], gallery?: Set) {
  const searched = gallery ?? queries;
  const perQuery = queries.rows.flatMap((row, query) => {
    const label = queries.labels[query] ?? -1;
    const order = ranking(row, searched.rows, gallery ? -1 : query);
    const hits = order.map((index) => label >= 0 && searched.labels[index] === label);
    return hits.includes(true) ? [naiveMeasures(hits, ks)] : [];
  });
  const names = Object.keys(perQuery[0] ?? {});
  const values = Object.fromEntries(
    names.map((name) => [name, perQuery.reduce((sum, one) => sum + (one[name] ?? 0), 0) / perQuery.length]),
  );
  return { values, queries: perQuery.length };
}

function measure(set: Set, ks: readonly number[], gallery?: Set) {
  const dimension = set.rows[0]?.length ?? 1;
  const plain = ({ rows, labels }: Set) => ({ embeddings: flatten(rows), labels: Int32Array.from(labels) });
  return retrievalMetrics({ ...plain(set), dimension, ks, ...(gallery ? { gallery: plain(gallery) } : {}) });
}

function expectClose(actual: Readonly<Record<string, number>>, expected: Readonly<Record<string, number>>): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) expect(actual[name], name).toBeCloseTo(value, 10);
}

/** Few distinct whole-number points: many exact duplicates and ties, across classes too; label −1 has no class. */
const latticeSet = fc
  .array(fc.tuple(fc.integer({ min: -1, max: 4 }), fc.integer({ min: -2, max: 2 }), fc.integer({ min: -2, max: 2 })), {
    minLength: 6,
    maxLength: 30,
  })
  .map((points): Set => ({ labels: points.map(([label]) => label), rows: points.map(([, x, y]) => [x, y]) }))
  .filter(({ labels }) => labels.some((label, index) => label >= 0 && labels.indexOf(label) !== index));

describe('retrievalMetrics', () => {
  it('gives the values worked out by hand', () => {
    // On a line: A at 0, B at 1, A at 2.5, B at 4.5, C alone at 7.
    const metrics = measure({ rows: [[0], [1], [2.5], [4.5], [7]], labels: [0, 1, 0, 1, 2] }, [1, 2]);
    // A(0): B, A. B(1): A, A, B. A(2.5): B 1.5 away, B 2, A 2.5. B(4.5): A 2 away, C 2.5, B 3.5.
    expect(metrics.recall).toEqual({ 1: 0, 2: 1 / 4 });
    expect(metrics.precision).toEqual({ 1: 0, 2: 1 / 8 });
    expect(metrics.rPrecision).toBe(0);
    expect(metrics.mapAtR).toBe(0);
    expect(metrics.mrr).toBeCloseTo((1 / 2 + 1 / 3 + 1 / 3 + 1 / 3) / 4, 12);
    expect(metrics.map).toBeCloseTo(metrics.mrr, 12);
    expect([metrics.queries, metrics.leftOut, metrics.classes]).toEqual([4, 1, 2]);
    expect(metrics.perClass.map(({ label, queries }) => [label, queries])).toEqual([
      [0, 2],
      [1, 2],
    ]);
    expect(metrics.perClass[0]?.values['mrr']).toBeCloseTo((1 / 2 + 1 / 3) / 2, 12);
  });

  it('agrees with plain loops, with duplicates, ties, lone and unlabelled images', () => {
    fc.assert(
      fc.property(latticeSet, (set) => {
        const ks = [1, 2, 5];
        const metrics = measure(set, ks);
        const expected = naive(set, ks);
        expectClose(metrics.values, expected.values);
        expect(metrics.queries).toBe(expected.queries);
        expect(metrics.leftOut).toBe(set.rows.length - expected.queries);
      }),
      { numRuns: 300 },
    );
  });

  it('agrees with plain loops for a separate gallery', () => {
    fc.assert(
      fc.property(latticeSet, latticeSet, (queries, gallery) => {
        const expected = naive(queries, [1, 4], gallery);
        fc.pre(expected.queries > 0);
        expectClose(measure(queries, [1, 4], gallery).values, expected.values);
      }),
    );
  });

  it('agrees with plain loops over several blocks', () => {
    const set = clusters(3, [150, 90, 40, 20, 3, 1], 6, 0.9);
    const expected = naive(set, [1, 8]);
    const metrics = measure(set, [1, 8]);
    expect(metrics.mapAtR).toBeLessThan(0.95);
    expectClose(metrics.values, expected.values);
  });

  it('does not depend on the order of the images or the numbering of the classes', () => {
    const set = clusters(4, [5, 4, 3, 6, 1], 8, 0.8);
    const before = measure(set, [1, 2, 4]);
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const order = shuffled([...set.rows.keys()], createRandom(seed));
        const moved = measure(
          { rows: order.map((i) => set.rows[i] ?? []), labels: order.map((i) => 100 - (set.labels[i] ?? 0)) },
          [1, 2, 4],
        );
        expectClose(moved.values, before.values);
      }),
      { numRuns: 20 },
    );
  });

  it('does not change under a rotation, or a scaling before normalisation', () => {
    const set = clusters(5, [6, 6, 6, 6], 4, 0.8);
    const before = measure(set, [1, 2]);
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 6.28, noNaN: true }),
        fc.double({ min: 0.01, max: 90, noNaN: true }),
        (angle, scale) => {
          const [c, s] = [Math.cos(angle), Math.sin(angle)];
          const rows = set.rows.map(([x = 0, y = 0, z = 0, w = 0]) => [
            ...l2Normalize(
              Float32Array.of(c * x - s * z, c * y - s * w, s * x + c * z, s * y + c * w).map((v) => v * scale),
            ),
          ]);
          expectClose(measure({ rows, labels: set.labels }, [1, 2]).values, before.values);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('is perfect for classes packed into points, and says so for every measure at R', () => {
    const { values } = measure(clusters(6, [3, 4, 2], 8, 0), [1]);
    expect(values).toMatchObject({ 'recall@1': 1, 'r-precision': 1, 'map@r': 1, map: 1, mrr: 1 });
  });

  it('ranks a lone class of equal points by index', () => {
    // All four coincide: query 0 sees 1 2 3, its mate is 3.
    const metrics = measure({ rows: [[1], [1], [1], [1]], labels: [0, 1, 1, 0] }, [1]);
    expect(metrics.perClass[0]?.values['mrr']).toBeCloseTo((1 / 3 + 1) / 2, 12);
  });

  it('has no number to give when nothing can be found', () => {
    const metrics = measure({ rows: [[1], [2]], labels: [0, -1] }, [1]);
    expect(metrics.values['recall@1']).toBeNaN();
    expect([metrics.queries, metrics.leftOut, metrics.classes]).toEqual([0, 2, 0]);
  });

  it('refuses a K beyond the gallery, naming the largest possible', () => {
    const set = { rows: [[0], [1], [2]], labels: [0, 0, 1] };
    expect(() => measure(set, [1, 3])).toThrow(expect.objectContaining({ code: 'dataset-too-small' }));
    expect(() => measure(set, [1, 3])).toThrow(/only 2/);
    expect(measure(set, [2], set).recall[2]).toBe(1);
    expect(() => measure(set, [0])).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });

  it('refuses labels that do not match the rows', () => {
    expect(() => measure({ rows: [[0], [1], [2]], labels: [0, 0] }, [1])).toThrow(
      expect.objectContaining({ code: 'dataset-invalid' }),
    );
  });
});
