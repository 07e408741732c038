import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearestNeighbours } from '../../src/metrics/neighbours.js';
import { clusters, flatten, ranking, squared } from './naive.js';

/** Small whole numbers: distances are exact, and ties frequent. */
const lattice = fc.integer({ min: 1, max: 5 }).chain((dimension) =>
  fc.record({
    dimension: fc.constant(dimension),
    rows: fc.array(fc.array(fc.integer({ min: -2, max: 2 }), { minLength: dimension, maxLength: dimension }), {
      minLength: 2,
      maxLength: 24,
    }),
  }),
);

describe('nearestNeighbours', () => {
  it('agrees with a full sort, ties by index, whatever the sizes of the blocks', () => {
    fc.assert(
      fc.property(lattice, fc.nat(), ({ dimension, rows }, pick) => {
        const k = 1 + (pick % (rows.length - 1));
        const found = nearestNeighbours({ queries: flatten(rows), dimension, k });
        rows.forEach((row, query) => {
          const expected = ranking(row, rows, query).slice(0, k);
          expect([...found.indices.subarray(query * k, (query + 1) * k)]).toEqual(expected);
          expect([...found.distances.subarray(query * k, (query + 1) * k)]).toEqual(
            expected.map((index) => squared(row, rows[index] ?? [])),
          );
        });
      }),
    );
  });

  it('searches a separate gallery, where an equal vector is found', () => {
    fc.assert(
      fc.property(lattice, ({ dimension, rows }) => {
        const queries = rows.slice(0, 3);
        const k = rows.length;
        const found = nearestNeighbours({ queries: flatten(queries), gallery: flatten(rows), dimension, k });
        const expected = queries.flatMap((row) => ranking(row, rows));
        expect([...found.indices]).toEqual(expected);
        queries.forEach((_, query) => expect(found.distances[query * k]).toBe(0));
      }),
    );
  });

  it('agrees with a full sort over more rows than one block and one tile hold', () => {
    const { rows, embeddings, dimension } = clusters(1, [300, 250, 63], 9, 0.4);
    const { indices } = nearestNeighbours({ queries: embeddings, dimension, k: 5 });
    for (const query of [0, 1, 127, 128, 255, 256, 511, 612]) {
      expect([...indices.subarray(query * 5, query * 5 + 5)]).toEqual(
        ranking(rows[query] ?? [], rows, query).slice(0, 5),
      );
    }
  });

  it('gives duplicates a distance of exactly 0', () => {
    const { embeddings, dimension } = clusters(2, [1, 1, 1], 37, 0);
    const doubled = Float32Array.from([...embeddings, ...embeddings]);
    const { indices, distances } = nearestNeighbours({ queries: doubled, dimension, k: 1 });
    expect([...indices]).toEqual([3, 4, 5, 0, 1, 2]);
    expect([...distances]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it.each([0, 2, 1.5])('refuses k = %s where one other image is there', (k) => {
    expect(() => nearestNeighbours({ queries: flatten([[1], [2]]), dimension: 1, k })).toThrow(
      expect.objectContaining({ code: 'dataset-too-small' }),
    );
  });

  it.each([NaN, Infinity])('refuses %s in an embedding', (value) => {
    expect(() => nearestNeighbours({ queries: flatten([[1], [value]]), dimension: 1, k: 1 })).toThrow(
      expect.objectContaining({ code: 'invalid-vector' }),
    );
  });

  it('refuses values that are no whole rows', () => {
    expect(() => nearestNeighbours({ queries: flatten([[1, 2, 3]]), dimension: 2, k: 1 })).toThrow(/whole rows/);
  });
});
