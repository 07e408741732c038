import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusteringValues } from '../../src/metrics/clustering.js';
import { kMeans } from '../../src/metrics/k-means.js';
import { clusters, flatten, ranking, squared } from './naive.js';

const rowsOf = (values: Float32Array, dimension: number): number[][] =>
  Array.from({ length: values.length / dimension }, (_, row) => [...values.subarray(row * dimension, (row + 1) * dimension)]); // prettier-ignore

describe('kMeans', () => {
  it('finds clusters that are well apart', async () => {
    const set = clusters(1, [20, 30, 5, 9], 6, 0.1);
    const found = await kMeans({ rows: set.embeddings, dimension: 6, k: 4 });
    const { nmi, ami, f1 } = clusteringValues(set.labelArray, found.clusters);
    for (const value of [nmi, ami, f1]) expect(value).toBeCloseTo(1, 12);
    expect(found.converged).toBe(true);
  });

  it('ends where every row is with its nearest centre and every centre is the mean of its rows', async () => {
    const set = clusters(2, [40, 30, 20, 10], 5, 1.5);
    const { clusters: of, centres, inertia } = await kMeans({ rows: set.embeddings, dimension: 5, k: 7, seed: 3 });
    const centreRows = rowsOf(centres, 5);
    let sum = 0;
    rowsOf(set.embeddings, 5).forEach((row, index) => {
      expect(of[index]).toBe(ranking(row, centreRows)[0]);
      sum += squared(row, centreRows[of[index] ?? -1] ?? []);
    });
    expect(inertia).toBeCloseTo(sum, 6);
    centreRows.forEach((centre, cluster) => {
      const own = set.rows.filter((_, index) => of[index] === cluster);
      centre.forEach((value, i) => {
        expect(value).toBeCloseTo(own.reduce((total, row) => total + (row[i] ?? 0), 0) / own.length, 5);
      });
    });
  });

  it('is the same for the same seed, and may differ for another', async () => {
    const { embeddings: rows } = clusters(3, [30, 30, 30], 4, 2);
    const run = async (seed: number) => [...(await kMeans({ rows, dimension: 4, k: 8, seed })).clusters].join();
    expect(await run(5)).toBe(await run(5));
    expect(new Set(await Promise.all([1, 2, 3, 4].map(run))).size).toBeGreaterThan(1);
  });

  it('gives every cluster a row wherever k rows differ, and copes where they do not', async () => {
    const lattice = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })), { minLength: 1, maxLength: 20 }); // prettier-ignore
    await fc.assert(
      fc.asyncProperty(lattice, fc.nat(), async (points, pick) => {
        const different = new Set(points.map((point) => point.join())).size;
        const rows = flatten(points);
        const k = 1 + (pick % points.length);
        const found = await kMeans({ rows, dimension: 2, k, seed: pick });
        const used = new Set(found.clusters).size;
        if (k === different) expect([used, found.inertia]).toEqual([different, 0]);
        if (k <= different && found.converged) expect(used).toBe(k);
        expect(used).toBeLessThanOrEqual(Math.min(k, different));
      }),
    );
  });

  it('says when it ran out of rounds', async () => {
    const { embeddings: rows } = clusters(4, [200], 4, 2);
    expect(await kMeans({ rows, dimension: 4, k: 12, rounds: 1 })).toMatchObject({ rounds: 1, converged: false });
  });

  it.each([0, 4, 1.5])('refuses %s clusters of three rows', async (k) => {
    await expect(kMeans({ rows: flatten([[1], [2], [3]]), dimension: 1, k })).rejects.toMatchObject({
      code: 'dataset-too-small',
    });
  });
});
