import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom, gaussian } from '../../../src/core/random.js';
import { floatBlocks, floatError, openMultiply } from '../../../src/evaluate/exact/float-blocks.js';
import { plainSearch, type ExactSearch } from '../../../src/evaluate/exact/search.js';
import { openSearchPool } from '../../../src/evaluate/exact/search-pool.js';
import { nearestNeighbours } from '../../../src/metrics/neighbours.js';
import { relevantRanks, type RankOptions } from '../../../src/metrics/ranks.js';
import { checkSet, exactScore, squaredNorms } from '../../../src/metrics/scores.js';
import { clusters } from '../../metrics/naive.js';

let pool: ExactSearch;
beforeAll(async () => {
  pool = await openSearchPool(2);
});
afterAll(() => pool.close());

async function ranksOf(search: ExactSearch, options: RankOptions) {
  const found: { query: number; label: number; ranks: number[] }[] = [];
  for await (const some of search.ranks(options)) {
    found.push(...some.map(({ query, label, ranks }) => ({ query, label, ranks: [...ranks] })));
  }
  return found;
}

const expectedRanks = (options: RankOptions) =>
  [...relevantRanks(options)].map(({ query, label, ranks }) => ({ query, label, ranks: [...ranks] }));

/** More rows than a job, a block and a tile hold; some in no class, some alone, many doubled, many all but equal. */
function awkward(seed: number) {
  const set = clusters(seed, [...Array.from({ length: 60 }, (_, i) => 1 + (i % 11)), 700, 300], 17, 0.7);
  const random = createRandom(seed, 'awkward');
  const { dimension, embeddings } = set;
  const count = embeddings.length / dimension;
  for (let i = 0; i < 400; i++) {
    const [from, to] = [Math.floor(random() * count), Math.floor(random() * count)];
    const row = embeddings.slice(from * dimension, (from + 1) * dimension);
    // Every second one moves by less than float32 scores can tell.
    if (i % 2 === 1) row[i % dimension] = (row[i % dimension] ?? 0) * (1 + 2 ** -22);
    embeddings.set(row, to * dimension);
  }
  const labels = set.labelArray.map((label) => (random() < 0.02 ? -1 : label));
  return { embeddings, labels, dimension };
}

describe.each([
  ['plainSearch', () => plainSearch],
  ['openSearchPool', () => pool],
] as const)('%s', (_, search) => {
  it('ranks as the plain loops do, to the last tie', async () => {
    const options = awkward(1);
    expect(await ranksOf(search(), options)).toEqual(expectedRanks(options));
  });

  it('ranks in a separate gallery', async () => {
    const [queries, gallery] = [awkward(2), awkward(3)];
    const options = { ...queries, embeddings: queries.embeddings.subarray(0, 40 * 17), labels: queries.labels.subarray(0, 40), gallery }; // prettier-ignore
    expect(await ranksOf(search(), options)).toEqual(expectedRanks(options));
  });

  it('finds the neighbours that the plain loops find, to the last tie', async () => {
    const { embeddings: queries, dimension } = awkward(4);
    for (const k of [1, 10]) {
      expect(await search().nearest({ queries, dimension, k })).toEqual(nearestNeighbours({ queries, dimension, k }));
    }
    const gallery = awkward(5).embeddings;
    const some = { queries: queries.subarray(0, 30 * dimension), gallery, dimension, k: 3 };
    expect(await search().nearest(some)).toEqual(nearestNeighbours(some));
  });

  it('answers for embeddings packed into a point, and for values far from unit length', async () => {
    const { embeddings, labels, dimension } = awkward(6);
    const packed = embeddings.slice(0, 600 * dimension).map((value, i) => ((i % dimension) + 1) / 9 + value * 1e-6);
    for (const values of [packed, packed.map((value) => value * 1e3), Float64Array.from(packed, (v) => v * 1e25)]) {
      const options = { embeddings: values, labels: labels.subarray(0, 600), dimension };
      expect(await ranksOf(search(), options)).toEqual(expectedRanks(options));
    }
  });

  it('refuses what the plain loops refuse', async () => {
    const queries = Float32Array.of(1, 2);
    await expect(search().nearest({ queries, dimension: 1, k: 2 })).rejects.toMatchObject({
      code: 'dataset-too-small',
    });
    await expect(search().nearest({ queries, dimension: 3, k: 1 })).rejects.toMatchObject({ code: 'invalid-vector' });
    const options = { embeddings: queries, labels: Int32Array.of(0), dimension: 1 };
    await expect(ranksOf(search(), options)).rejects.toMatchObject({ code: 'dataset-invalid' });
  });
});

describe('floatBlocks', () => {
  it('keeps every score within the error it states, which is no wider than it need be by much', async () => {
    const multiply = await openMultiply();
    const random = createRandom('scores');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 160 }), fc.constantFrom(1e-3, 1, 300), async (dimension, scale) => {
        const rows = new Float32Array(40 * dimension).map(() => scale * gaussian(random));
        const set = checkSet({ queries: rows, dimension });
        const blocks = floatBlocks(set, squaredNorms(rows, dimension), multiply);
        for await (const { scores, items } of blocks.tiles(0, 40)) {
          let worst = 0;
          for (let i = 0; i < 40 * items; i++) {
            worst = Math.max(worst, Math.abs((scores[i] ?? NaN) - exactScore(set, Math.floor(i / items), i % items)));
          }
          expect(worst).toBeLessThanOrEqual(blocks.error);
        }
      }),
      { numRuns: 25 },
    );
    expect(floatError(1, 1, 128)).toBeLessThan(1.5e-5);
  });
});

it('stops in the middle without leaving anything behind', async () => {
  const own = await openSearchPool(1);
  for await (const some of own.ranks(awkward(7))) {
    expect(some.length).toBeGreaterThan(0);
    break;
  }
  await own.close();
  await expect(own.nearest({ queries: Float32Array.of(1, 2), dimension: 1, k: 1 })).rejects.toMatchObject({
    code: 'interrupted',
  });
});
