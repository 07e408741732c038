import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localDensity } from '../../src/core/local-density.js';
import { createRandom, gaussian } from '../../src/core/random.js';
import { l2Normalize, squaredDistance } from '../../src/core/vectors.js';
import type { Catalogue, Neighbour, SearchOptions } from '../../src/indexing/catalogue.js';
import { scorePair, type Fit } from '../../src/model/calibration.js';
import { createSearch, type SearchAnswer } from '../../src/search/search.js';
import { fakeCatalogue, fakeEmbedder } from '../server/fakes.js';
import { calibration } from '../server/calibration.js';
import { createWorld, type World } from '../server/helpers.js';
import { newItem } from '../contracts/catalogue.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const random = createRandom('scores');
const direction = (): Float32Array => l2Normalize(Float32Array.from({ length: 3 }, () => Math.abs(gaussian(random))));
const items = Array.from({ length: 60 }, (_, i) =>
  newItem(`item ${String(i).padStart(2, '0')}`, direction(), { metadata: { half: i % 2 } }),
);

interface Asked {
  readonly searches: SearchOptions[];
  readonly from: { id: string; options: SearchOptions }[];
}

function spied(changes: Partial<Catalogue> = {}): { catalogue: Catalogue; asked: Asked } {
  const asked: Asked = { searches: [], from: [] };
  const inner = fakeCatalogue(items);
  const catalogue: Catalogue = {
    ...inner,
    search: (vector, options) => {
      asked.searches.push(options);
      return inner.search(vector, options);
    },
    searchFrom: (id, options) => {
      asked.from.push({ id, options });
      return inner.searchFrom(id, options);
    },
    ...changes,
  };
  return { catalogue, asked };
}

/** Density of a point among the items, by a plain loop. */
function densityOf(vector: Float32Array, except?: string): number | null {
  const others = items.filter(({ id }) => id !== except);
  return localDensity(others.map(({ embedding }) => squaredDistance(vector, embedding)).sort((a, b) => a - b));
}

const withoutDensities = (found: readonly Neighbour[]): Neighbour[] => found.map((one) => ({ ...one, density: null }));

function expectScores({ results }: SearchAnswer, queryDensity: number | null): void {
  expect(results.length).toBeGreaterThan(0);
  for (const { item, distance, score } of results) {
    const itemDensity = densityOf(items.find(({ id }) => id === item.id)?.embedding ?? direction(), item.id);
    expect(score).toBeCloseTo(scorePair(calibration, { distance, queryDensity, itemDensity }), 6);
  }
}

describe('scores', () => {
  it('are null without a calibration', async () => {
    const { search } = createSearch({ catalogue: fakeCatalogue(items), embedder: fakeEmbedder() });
    const { results } = await search({ id: 'item 00' }, { limit: 3 });
    expect(results.map(({ score }) => score)).toEqual([null, null, null]);
  });

  it('take an item’s density from the index and cost no second search', async () => {
    const { catalogue, asked } = spied();
    const { search } = createSearch({ catalogue, embedder: fakeEmbedder(), calibration });
    const [item] = items;
    const filter = { field: 'half', in: [1] };
    expectScores(await search({ id: 'item 00' }, { limit: 3 }), densityOf(item?.embedding ?? direction(), 'item 00'));
    expectScores(await search({ id: 'item 00' }, { filter }), densityOf(item?.embedding ?? direction(), 'item 00'));
    expect(asked.from).toEqual([
      { id: 'item 00', options: { limit: 3, exclude: 'item 00' } },
      { id: 'item 00', options: { limit: 20, exclude: 'item 00', filter } },
    ]);
    expect(asked.searches).toEqual([]);
  });

  it('take a vector’s density from its own neighbours, of which at least ten are asked for', async () => {
    const { catalogue, asked } = spied();
    const { search } = createSearch({ catalogue, embedder: fakeEmbedder(), calibration });
    const vector = direction();
    const answer = await search({ vector }, { limit: 3 });
    expect(answer.results).toHaveLength(3);
    expectScores(answer, densityOf(vector));
    expect(asked.searches).toEqual([{ limit: 10 }]);
  });

  it('do not change with a filter, which hides neighbours', async () => {
    const { search } = createSearch({ catalogue: fakeCatalogue(items), embedder: fakeEmbedder(), calibration });
    const vector = direction();
    const filter = { field: 'half', in: [1] };
    const answer = await search({ vector }, { limit: 5, filter });
    expect(answer.results.every(({ item }) => item.metadata['half'] === 1)).toBe(true);
    expectScores(answer, densityOf(vector));
  });

  it('come from the distance alone where a density is not known yet', async () => {
    const none: Partial<Catalogue> = {
      search: async (vector, options) => withoutDensities(await fakeCatalogue(items).search(vector, options)),
      searchFrom: async (id, options) => {
        const found = await fakeCatalogue(items).searchFrom(id, options);
        return found && { ...found, density: null, neighbours: withoutDensities(found.neighbours) };
      },
    };
    const { search } = createSearch({ catalogue: spied(none).catalogue, embedder: fakeEmbedder(), calibration });
    const { results } = await search({ id: 'item 00' });
    for (const { distance, score } of results) {
      const pair = { distance, queryDensity: null, itemDensity: null };
      expect(score).toBeCloseTo(
        scorePair({ fit: calibration.distanceOnly, distanceOnly: calibration.distanceOnly }, pair),
        9,
      );
    }
  });

  it('ask for nothing more when the fit knows no densities', async () => {
    const { catalogue, asked } = spied();
    const distanceFit: Fit = calibration.distanceOnly;
    const plain = { fit: distanceFit, distanceOnly: distanceFit };
    const { search } = createSearch({ catalogue, embedder: fakeEmbedder(), calibration: plain });
    await search({ vector: [1, 0, 0] }, { limit: 3 });
    await search({ id: 'item 01' }, { limit: 3 });
    expect(asked.searches).toEqual([{ limit: 3 }]);
    expect(asked.from).toEqual([{ id: 'item 01', options: { limit: 3, exclude: 'item 01' } }]);
  });

  it('fall with the distance at fixed densities, and stay within 0 … 1', () => {
    const density = fc.option(fc.double({ min: -1.4, max: 13.8, noNaN: true }));
    const distance = fc.double({ min: 0, max: 4, noNaN: true });
    fc.assert(
      fc.property(distance, distance, density, density, (a, b, queryDensity, itemDensity) => {
        const [near, far] = [Math.min(a, b), Math.max(a, b)].map((d) =>
          scorePair(calibration, { distance: d, queryDensity, itemDensity }),
        );
        expect(near).toBeGreaterThanOrEqual(far ?? NaN);
        expect(near).toBeLessThanOrEqual(1);
        expect(far).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('limit auto', () => {
  it('is refused without a calibration, naming the command, before anything is embedded', async () => {
    const embedder = fakeEmbedder({ embed: () => Promise.reject(new Error('not to be called')) });
    const { search } = createSearch({ catalogue: fakeCatalogue(items), embedder });
    await expect(search({ image: { bytes: Buffer.from('') } }, { limit: 'auto' })).rejects.toMatchObject({
      code: 'calibration-missing',
      field: 'limit',
      hint: expect.stringContaining('kindred calibrate') as string,
    });
  });

  it('gives the longest prefix of the ranking whose mean score is at least the precision', async () => {
    const { search } = createSearch({ catalogue: fakeCatalogue(items), embedder: fakeEmbedder(), calibration });
    const sizes = new Set<number>();
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(fc.nat(50), fc.nat(50), fc.nat(50)).filter((vector) => vector.some((value) => value > 0)),
        fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
        async (vector, precision) => {
          const [all, kept] = await Promise.all([
            search({ vector }, { limit: 100 }),
            search({ vector }, { limit: 'auto', precision }),
          ]);
          const count = kept.results.length;
          sizes.add(count);
          expect(kept.results).toEqual(all.results.slice(0, count));
          const mean = (size: number): number =>
            all.results.slice(0, size).reduce((sum, { score }) => sum + (score ?? NaN), 0) / size;
          if (count > 0) expect(mean(count)).toBeGreaterThanOrEqual(precision - 1e-9);
          for (let size = count + 1; size <= all.results.length; size++) expect(mean(size)).toBeLessThan(precision);
        },
      ),
      { numRuns: 60 },
    );
    expect(sizes.size).toBeGreaterThan(5);
  });

  it('gives 90 % where no precision is named, and at most 100', async () => {
    const { catalogue, asked } = spied();
    const { search } = createSearch({ catalogue, embedder: fakeEmbedder(), calibration });
    const [unnamed, named] = await Promise.all([
      search({ id: 'item 03' }, { limit: 'auto' }),
      search({ id: 'item 03' }, { limit: 'auto', precision: 0.9 }),
    ]);
    expect(unnamed.results).toEqual(named.results);
    expect(asked.from.map(({ options: { limit } }) => limit)).toEqual([100, 100]);
  });
});
