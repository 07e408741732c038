import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { l2Normalize, squaredDistance } from '../../src/core/vectors.js';
import type { NewItem } from '../../src/indexing/catalogue.js';
import type { Example } from '../../src/search/examples.js';
import { createSearch, type SearchAnswer, type SearchRequestOptions } from '../../src/search/search.js';
import { calibration } from '../server/calibration.js';
import { fakeCatalogue, fakeEmbedder } from '../server/fakes.js';
import { picture } from '../server/helpers.js';

const direction = (i: number): Float32Array =>
  l2Normalize(Float32Array.of(1 + ((i * 7) % 5), 1 + ((i * 3) % 4), 1 + (i % 3)));

/** Many of the same place, so that ties must be broken; one in four has no shop. */
const items: NewItem[] = Array.from({ length: 60 }, (_, i) => ({
  id: `item ${String(i).padStart(2, '0')}`,
  label: `class ${i % 7}`,
  metadata: i % 4 === 0 ? { n: i } : { n: i, shop: `shop ${i % 5}` },
  imagePath: null,
  width: null,
  height: null,
  contentHash: '',
  embedding: direction(i),
}));
const idsOf = ({ results }: SearchAnswer): string[] => results.map(({ item }) => item.id);

const search = () => createSearch({ catalogue: fakeCatalogue(items), embedder: fakeEmbedder(), calibration });

async function allPages(example: Example, options: SearchRequestOptions, limits: readonly number[]) {
  const { search: ask } = search();
  const pages: SearchAnswer[] = [];
  let cursor: string | undefined;
  for (let i = 0; ; i++) {
    const page = await ask(example, { ...options, limit: limits[i % limits.length] ?? 1, cursor });
    pages.push(page);
    if (page.cursor === null) return pages;
    cursor = page.cursor;
  }
}

const someVector = fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)).filter((vector) => vector.some((value) => value > 0));

describe('pages', () => {
  it('put together are one long list, whatever their sizes, scores included', async () => {
    const limits = fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 3 });
    const options = fc.record(
      {
        filter: fc.constantFrom({ field: 'n', lt: 40 }, { not: { field: 'shop', in: ['shop 1'] } }),
        maxDistance: fc.constantFrom(0.05, 0.2),
        minScore: fc.constantFrom(0.1, 0.5),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(someVector, limits, options, async (vector, sizes, wanted) => {
        const whole = await search().search({ vector }, { ...wanted, limit: 1000 });
        const pages = await allPages({ vector }, wanted, sizes);
        expect(pages.flatMap(({ results }) => results)).toEqual(whole.results);
        expect(whole.cursor).toBeNull();
      }),
      { numRuns: 60 },
    );
  });

  it('of groups give each group once, in the order of their best', async () => {
    for (const size of [1, 2]) {
      const options = { groupBy: 'shop', groupSize: size };
      const whole = await search().search({ id: 'item 03' }, { ...options, limit: 100 });
      expect(whole.groups?.map(({ value }) => value)).toHaveLength(5);
      const pages = await allPages({ id: 'item 03' }, options, [2, 1]);
      expect(pages.flatMap(({ groups = [] }) => groups)).toEqual(whole.groups);
    }
  });

  it('refuse a cursor of another query, and any that was changed', async () => {
    const { search: ask } = search();
    const { cursor } = await ask({ id: 'item 03' }, { limit: 3 });
    if (cursor === null) throw new Error('there is more');
    await expect(ask({ id: 'item 03' }, { limit: 9, exact: true, ef: 50, cursor })).resolves.toBeDefined();
    const fault = { code: 'invalid-cursor', field: 'cursor' };
    await expect(ask({ id: 'item 04' }, { limit: 3, cursor })).rejects.toMatchObject(fault);
    await expect(ask({ id: 'item 03' }, { groupBy: 'shop', cursor })).rejects.toMatchObject(fault);
    await expect(ask({ id: 'item 03' }, { filter: { field: 'n', lt: 4 }, cursor })).rejects.toMatchObject(fault);
    await fc.assert(
      fc.asyncProperty(fc.nat(cursor.length - 1), fc.constantFrom('A', 'b', '0', '.', '_', ''), async (at, letter) => {
        const changed = cursor.slice(0, at) + letter + cursor.slice(at + 1);
        fc.pre(changed !== cursor);
        await expect(ask({ id: 'item 03' }, { limit: 3, cursor: changed })).rejects.toMatchObject(fault);
      }),
    );
    for (const none of ['', '.', 'x', '🙂.🙂']) {
      await expect(ask({ id: 'item 03' }, { cursor: none })).rejects.toMatchObject(fault);
    }
  });
});

describe('groups', () => {
  it('are the best of each value, as sorting everything would tell', async () => {
    await fc.assert(
      fc.asyncProperty(
        someVector,
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 4 }),
        async (vector, limit, size) => {
          const whole = await search().search({ vector }, { limit: 1000 });
          const expected = new Map<unknown, string[]>();
          for (const { item } of whole.results) {
            const shop = item.metadata['shop'];
            if (shop !== undefined) expected.set(shop, [...(expected.get(shop) ?? []), item.id]);
          }
          const { groups = [], results } = await search().search(
            { vector },
            { limit, groupBy: 'shop', groupSize: size },
          );
          expect(groups.map(({ value, results: near }) => [value, near.map(({ item }) => item.id)])).toEqual(
            [...expected].slice(0, limit).map(([value, ids]) => [value, ids.slice(0, size)]),
          );
          expect(results).toEqual(groups.map(({ results: [best] }) => best));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('know their field', async () => {
    await expect(search().search({ id: 'item 03' }, { groupBy: 'shops' })).rejects.toMatchObject({
      code: 'unknown-filter-field',
    });
  });
});

describe('thresholds', () => {
  it('keep what is near and likely enough, and fill the limit with it', async () => {
    const whole = await search().search({ id: 'item 03' }, { limit: 1000 });
    const middle = whole.results[20];
    const near = await search().search({ id: 'item 03' }, { limit: 1000, maxDistance: middle?.distance });
    expect(near.results).toEqual(whole.results.filter(({ distance }) => distance <= (middle?.distance ?? 0)));
    const minScore = middle?.score ?? 0;
    const likely = await search().search({ id: 'item 03' }, { limit: 5, minScore });
    expect(likely.results).toEqual(whole.results.filter(({ score }) => (score ?? 0) >= minScore).slice(0, 5));
  });

  it('of the score need a calibration', async () => {
    const { search: plain } = createSearch({ catalogue: fakeCatalogue(items), embedder: fakeEmbedder() });
    await expect(plain({ id: 'item 03' }, { minScore: 0.5 })).rejects.toMatchObject({
      code: 'calibration-missing',
      field: 'minScore',
    });
  });
});

describe('several examples', () => {
  it('are the mean of the positives less a share of the mean of the negatives', async () => {
    const [a = direction(0), b = direction(0), c = direction(0)] = [items[1], items[2], items[5]].map(
      (item) => item?.embedding,
    );
    const expected = l2Normalize(Float32Array.from(a, (value, i) => (value + (b[i] ?? 0)) / 2 - 0.5 * (c[i] ?? 0)));
    const examples = {
      positives: [{ id: 'item 01' }, { vector: b }],
      negatives: [{ id: 'item 05' }],
      negativeWeight: 0.5,
    };
    const { results, query } = await search().search(examples, { limit: 1000 });
    expect(query).toEqual({ id: null, width: null, height: null });
    expect(results).toHaveLength(items.length - 2);
    for (const { item, distance } of results) {
      const stored = items.find(({ id }) => id === item.id)?.embedding ?? a;
      expect(distance).toBeCloseTo(squaredDistance(stored, expected), 5);
    }
  });

  it('that cancel each other out are refused', async () => {
    const examples = { positives: [{ id: 'item 01' }], negatives: [{ id: 'item 01' }], negativeWeight: 1 };
    await expect(search().search(examples)).rejects.toMatchObject({ code: 'invalid-vector', field: 'positives' });
  });
});

describe('many searches at once', () => {
  it('embed their pictures in one call, and fail one by one', async () => {
    const fake = fakeEmbedder();
    const calls: number[] = [];
    const embedder = fakeEmbedder({
      embed: (requests) => {
        calls.push(requests.length);
        return fake.embed(requests);
      },
    });
    const { searchAll, search: one } = createSearch({ catalogue: fakeCatalogue(items), embedder });
    const red = { image: { bytes: await picture([200, 10, 30]) } };
    const green = { image: { bytes: await picture([20, 200, 30]) } };
    const answers = await searchAll([
      { example: red, options: { limit: 3 } },
      { example: { id: 'nobody' } },
      { example: { positives: [green, { id: 'item 07' }] }, options: { limit: 4 } },
      { example: { image: { bytes: Buffer.from('no picture') } } },
      { example: { id: 'item 02' }, options: { limit: 'auto' } },
    ]);
    expect(calls).toEqual([3]);
    expect(answers.map((answer) => ('code' in answer ? answer.code : answer.results.length))).toEqual([
      3,
      'item-not-found',
      4,
      'image-unsupported',
      'calibration-missing',
    ]);
    const [first] = answers;
    if (first === undefined || 'code' in first) throw new Error('no answer');
    expect(idsOf(first)).toEqual(idsOf(await one(red, { limit: 3 })));
    expect(first.timings.embed).toBeGreaterThan(0);
  });
});
