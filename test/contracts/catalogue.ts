import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localDensity } from '../../src/core/local-density.js';
import { l2Normalize, squaredDistance } from '../../src/core/vectors.js';
import type { Catalogue, Filter, NewItem, Position } from '../../src/indexing/catalogue.js';
import { itemTag } from '../../src/indexing/item-tag.js';
import { filteredMetadata, filters, naiveMatch } from './naive-filter.js';

export const dimension = 4;
export const fingerprint = 'model-a';

/** An implementation that works on in the background says when it is done. */
export interface Settling {
  settled?(): Promise<void>;
}

/** How an implementation is put to the test. `open` is called again on the same place to see what was kept. */
export interface CatalogueUnderTest {
  open(): Promise<Catalogue & Settling>;
  dispose(): Promise<void>;
}

export function unit(...values: number[]): Float32Array {
  return l2Normalize(Float32Array.from(values));
}

export function newItem(id: string, embedding: Float32Array, changes: Partial<NewItem> = {}): NewItem {
  return {
    id,
    label: 'cup',
    metadata: {},
    imagePath: `/photos/${id}`,
    width: 640,
    height: 480,
    contentHash: `hash of ${id}`,
    embedding,
    ...changes,
  };
}

const x = unit(1, 0, 0, 0);
const y = unit(0, 1, 0, 0);

/** The suite that every catalogue must pass. */
export function catalogueContract(name: string, create: () => Promise<CatalogueUnderTest>): void {
  describe(`catalogue contract: ${name}`, () => {
    let under: CatalogueUnderTest;
    let catalogue: Catalogue & Settling;
    const ids = async (vector: Float32Array, filter?: Filter): Promise<string[]> => {
      const found = await catalogue.search(vector, filter ? { limit: 10, filter } : { limit: 10 });
      return found.map(({ item }) => item.id);
    };
    beforeEach(async () => {
      under = await create();
      catalogue = await under.open();
    });
    it('writes on conditions that hold at that moment, all or nothing', async () => {
      const item = newItem('a', x);
      expect(await catalogue.put([item], { ifAbsent: true })).toEqual(['added']);
      await expect(catalogue.put([newItem('b', y), item], { ifAbsent: true })).rejects.toMatchObject({
        code: 'precondition-failed',
      });
      expect(await catalogue.get('b')).toBeNull();
      const changed = { ...item, label: 'mug' };
      expect(await catalogue.put([changed], { ifMatch: itemTag(item) })).toEqual(['replaced']);
      const stale = { ifMatch: itemTag(item) };
      await expect(catalogue.put([item], stale)).rejects.toMatchObject({ code: 'precondition-failed' });
      await expect(catalogue.delete(['a'], stale)).rejects.toMatchObject({ code: 'precondition-failed' });
      await expect(catalogue.put([newItem('c', y)], { ifMatch: '*' })).rejects.toMatchObject({
        code: 'precondition-failed',
      });
      expect(await catalogue.get('a')).toMatchObject({ label: 'mug' });
      expect(await catalogue.delete(['a'], { ifMatch: itemTag(changed) })).toBe(1);
    });

    it('lets exactly one of many writers with the same condition win', async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, n) =>
          catalogue.put([newItem('a', x, { label: `writer ${n}` })], { ifAbsent: true }),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(outcomes[0]?.status).toBe('fulfilled');
    });

    afterEach(async () => {
      await catalogue.close();
      await under.dispose();
    });

    it('knows its model', () => {
      expect(catalogue.dimension).toBe(dimension);
      expect(catalogue.fingerprint).toBe(fingerprint);
    });

    it('is empty at first', async () => {
      expect(await catalogue.search(x, { limit: 5 })).toEqual([]);
      expect(await catalogue.scan({ limit: 5 })).toEqual({ items: [], total: 0 });
      expect(await catalogue.stats()).toMatchObject({ items: 0, labels: 0, changeNumber: 0, fields: [] });
      expect(await catalogue.get('a')).toBeNull();
      expect(await catalogue.embedding('a')).toBeNull();
      expect(await catalogue.lookup('a')).toBeNull();
      expect(await catalogue.searchFrom('a', { limit: 5 })).toBeNull();
      expect(await catalogue.delete(['a'])).toBe(0);
    });

    it('gives back what was put, and keeps the caller’s embedding usable', async () => {
      const item = newItem('a/ü 🙂.jpg', x, { metadata: { price: 2.5, new: true, shop: 'Nørd' }, width: null });
      expect(await catalogue.put([item])).toEqual(['added']);
      const { embedding, ...rest } = item;
      expect(await catalogue.get(item.id)).toEqual(rest);
      expect(await catalogue.embedding(item.id)).toEqual(embedding);
      expect(await catalogue.lookup(item.id)).toEqual({ item: rest, embedding, density: null });
      expect(embedding).toEqual(unit(1, 0, 0, 0));
    });

    it('tells added, replaced and unchanged apart', async () => {
      const item = newItem('a', x, { metadata: { p: 1, q: 2 } });
      await catalogue.put([item]);
      expect(await catalogue.put([{ ...item, metadata: { q: 2, p: 1 } }])).toEqual(['unchanged']);
      expect((await catalogue.stats()).changeNumber).toBe(1);
      expect(await catalogue.put([{ ...item, label: 'mug' }])).toEqual(['replaced']);
      expect(await catalogue.put([{ ...item, label: 'mug', embedding: y }, newItem('b', y)])).toEqual([
        'replaced',
        'added',
      ]);
      expect(await catalogue.embedding('a')).toEqual(y);
      expect((await catalogue.stats()).changeNumber).toBe(4);
    });

    it('takes the last of an id that occurs twice in one put', async () => {
      expect(await catalogue.put([newItem('a', x), newItem('a', y)])).toEqual(['added', 'replaced']);
      expect(await catalogue.search(y, { limit: 5 })).toMatchObject([{ item: { id: 'a' }, distance: 0 }]);
    });

    it('finds nearest first with squared Euclidean distances', async () => {
      await catalogue.put([newItem('far', unit(-1, 0, 0, 0)), newItem('right', y), newItem('same', x)]);
      expect(await catalogue.search(x, { limit: 3 })).toMatchObject([
        { item: { id: 'same' }, distance: 0 },
        { item: { id: 'right' }, distance: 2 },
        { item: { id: 'far' }, distance: 4 },
      ]);
      expect(await catalogue.search(x, { limit: 1 })).toHaveLength(1);
    });

    it('orders equal distances by id, whatever the order of arrival', async () => {
      await catalogue.put(['c', 'a', 'b', 'é', 'B'].map((id) => newItem(id, y)));
      expect(await ids(x)).toEqual(['B', 'a', 'b', 'c', 'é']);
      const first = await catalogue.search(x, { limit: 2, exact: true });
      expect(first.map(({ item }) => item.id)).toEqual(['B', 'a']);
    });

    it('leaves the excluded item out and still fills the limit', async () => {
      await catalogue.put([newItem('a', x), newItem('b', y), newItem('c', unit(1, 1, 0, 0))]);
      const found = await catalogue.search(x, { limit: 2, exclude: 'a' });
      expect(found.map(({ item }) => item.id)).toEqual(['c', 'b']);
      expect(await catalogue.search(x, { limit: 5, exclude: 'unknown' })).toHaveLength(3);
    });

    it('filters by id, label and metadata; conditions add up', async () => {
      await catalogue.put([
        newItem('a', x, { label: 'cup', metadata: { shop: 'N', price: 5, sale: true } }),
        newItem('b', x, { label: 'jar', metadata: { shop: 'N', price: 7 } }),
        newItem('c', x, { label: null, metadata: { shop: 'S', price: '5' } }),
      ]);
      expect(await ids(x, { field: 'shop', in: ['N'] })).toEqual(['a', 'b']);
      expect(await ids(x, { field: 'shop', in: ['N', 'S'] })).toEqual(['a', 'b', 'c']);
      expect(await ids(x, { field: 'label', in: ['jar'] })).toEqual(['b']);
      expect(await ids(x, { field: 'id', in: ['c', 'a', 'z'] })).toEqual(['a', 'c']);
      expect(await ids(x, { field: 'sale', in: [true] })).toEqual(['a']);
      expect(await ids(x, { field: 'price', in: [5] })).toEqual(['a', 'c']);
      expect(await ids(x, { field: 'price', in: ['5'] })).toEqual(['a', 'c']);
      expect(
        await ids(x, {
          and: [
            { field: 'shop', in: ['N'] },
            { field: 'price', in: [5] },
          ],
        }),
      ).toEqual(['a']);
      expect(await ids(x, { field: 'shop', in: [] })).toEqual([]);
    });

    it('filters by ranges, by what is there and by what is not, in any combination', async () => {
      await catalogue.put([
        newItem('a', x, { label: 'cup', metadata: { price: 5, day: '2024-01-02' } }),
        newItem('b', x, { label: 'jar', metadata: { price: 10, day: '2024-03-01' } }),
        newItem('c', x, { label: null, metadata: { price: '7.5' } }),
        newItem('d', x, { label: 'cup', metadata: { price: 'cheap' } }),
      ]);
      expect(await ids(x, { field: 'price', gte: 5, lt: 10 })).toEqual(['a', 'c']);
      expect(await ids(x, { field: 'price', gt: '5' })).toEqual(['b', 'c']);
      expect(await ids(x, { field: 'price', gte: 'c' })).toEqual(['d']);
      expect(await ids(x, { field: 'day', gte: '2024-02' })).toEqual(['b']);
      expect(await ids(x, { field: 'id', gt: 'a', lte: 'c' })).toEqual(['b', 'c']);
      expect(await ids(x, { field: 'day', exists: false })).toEqual(['c', 'd']);
      expect(await ids(x, { not: { field: 'label', in: ['cup'] } })).toEqual(['b', 'c']);
      const either = { or: [{ field: 'day', exists: true }, { not: { field: 'label', exists: true } }] };
      expect(await ids(x, either)).toEqual(['a', 'b', 'c']);
      expect(await ids(x, { and: [either, { field: 'price', lt: 8 }] })).toEqual(['a', 'c']);
      expect(await ids(x, { and: [] })).toHaveLength(4);
      expect(await ids(x, { or: [] })).toEqual([]);
    });

    it('refuses a filter that is too large', async () => {
      const cup: Filter = { field: 'label', in: ['cup'] };
      let deep: Filter = cup;
      for (let i = 0; i < 5000; i++) deep = i % 2 ? { and: [deep, cup] } : { or: [deep, cup] };
      const wide: Filter = { or: Array.from({ length: 257 }, () => cup) };
      const long: Filter = { field: 'id', in: Array.from({ length: 10_001 }, (_, i) => i) };
      for (const filter of [deep, wide, long]) {
        const fault = { code: 'invalid-option', field: 'filter' };
        await expect(catalogue.search(x, { limit: 1, filter })).rejects.toMatchObject(fault);
        await expect(catalogue.scan({ limit: 1, filter })).rejects.toMatchObject(fault);
      }
    });

    it('filters as the naive evaluator does, before and after any writes', async () => {
      const stored = fc.record({
        id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', '10', '2', 'é', '🙂'),
        label: fc.constantFrom('cup', 'jar', '7', null),
        metadata: filteredMetadata,
      });
      const rounds = fc.array(fc.array(stored, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 });
      await fc.assert(
        fc.asyncProperty(rounds, fc.array(filters, { minLength: 1, maxLength: 6 }), async (puts, asked) => {
          await catalogue.delete((await catalogue.scan({ limit: 1000 })).items.map(({ id }) => id));
          // Keeps every field known.
          const model = new Map([['z', newItem('z', y, { label: 'z', metadata: { n: 0, mixed: 'z' } })]]);
          await catalogue.put([...model.values()]);
          for (const round of puts) {
            const items = round.map(({ id, label, metadata }) => newItem(id, x, { label, metadata }));
            await catalogue.put(items);
            for (const item of items) model.set(item.id, item);
            const gone = [...model.keys()].find((id) => id !== 'z' && id > (round[0]?.id ?? ''));
            if (gone !== undefined) await catalogue.delete([gone]);
            if (gone !== undefined) model.delete(gone);
            for (const filter of asked) {
              const wanted = [...model.values()].filter((item) => naiveMatch(filter, item)).map(({ id }) => id);
              const page = await catalogue.scan({ limit: 1000, filter });
              expect(new Set(page.items.map(({ id }) => id))).toEqual(new Set(wanted));
              expect(page.total).toBe(wanted.length);
              const found = await catalogue.search(x, { limit: 1000, filter });
              expect(new Set(found.map(({ item }) => item.id))).toEqual(new Set(wanted));
            }
          }
        }),
        { numRuns: 40 },
      );
    });

    it('goes on behind a place, so that pages are the parts of one list', async () => {
      await catalogue.put(Array.from({ length: 40 }, (_, i) => newItem(`item ${i}`, unit(1, i >> 2, 0, 0))));
      const whole = await catalogue.search(x, { limit: 40, exclude: ['item 3', 'item 9'] });
      expect(whole).toHaveLength(38);
      const pages: unknown[] = [];
      let after: Position | undefined;
      for (;;) {
        const options = { limit: 5, exclude: ['item 3', 'item 9'], ...(after && { after }) };
        const page = await catalogue.search(x, options);
        pages.push(...page);
        const last = page.at(-1);
        if (last === undefined) break;
        after = { distance: last.distance, id: last.item.id, rank: pages.length };
      }
      expect(pages).toEqual(whole);
    });

    it('measures how much of the exact answer a search gives', async () => {
      expect(await catalogue.recall(x, { limit: 10 })).toBeNull();
      await catalogue.put(Array.from({ length: 30 }, (_, i) => newItem(`item ${i}`, unit(1, i, 0, 0))));
      await catalogue.settled?.();
      expect(await catalogue.recall(x, { limit: 10 })).toBe(1);
      expect(await catalogue.recall(x, { limit: 10, filter: { field: 'id', in: ['item 3'] } })).toBe(1);
      expect(await catalogue.recall(x, { limit: 10, filter: { field: 'id', in: ['nobody'] } })).toBeNull();
    });

    it('names the known fields and the closest for an unknown one', async () => {
      await catalogue.put([newItem('a', x, { metadata: { colour: 'red' } })]);
      const filter = { field: 'color', in: ['red'] };
      const fault = {
        code: 'unknown-filter-field',
        message: 'no item has a field "color" (did you mean "colour"?)',
        hint: 'Known fields: id, label, colour.',
        field: 'color',
      };
      await expect(catalogue.search(x, { limit: 1, filter })).rejects.toMatchObject(fault);
      await expect(catalogue.scan({ limit: 1, filter })).rejects.toMatchObject(fault);
    });

    it('forgets filters of replaced and deleted items', async () => {
      await catalogue.put([newItem('a', x, { metadata: { shop: 'N' } }), newItem('b', x, { metadata: { shop: 'N' } })]);
      expect(await ids(x, { field: 'shop', in: ['N'] })).toEqual(['a', 'b']);
      await catalogue.put([newItem('a', x, { metadata: { shop: 'S' } })]);
      expect(await ids(x, { field: 'shop', in: ['N'] })).toEqual(['b']);
      await catalogue.delete(['b']);
      await expect(ids(x, { field: 'shop', in: ['N'] })).resolves.toEqual([]);
    });

    it('pages through everything in order of id', async () => {
      const all = ['a', 'b', 'c', 'd', 'e'];
      await catalogue.put([...all].reverse().map((id) => newItem(id, x, { metadata: { odd: 'ace'.includes(id) } })));
      const first = await catalogue.scan({ limit: 2 });
      expect(first).toMatchObject({ items: [{ id: 'a' }, { id: 'b' }], next: 'b', total: 5 });
      const last = await catalogue.scan({ limit: 3, after: 'b' });
      expect(last.items.map(({ id }) => id)).toEqual(['c', 'd', 'e']);
      expect(last.next).toBeUndefined();
      const odd = await catalogue.scan({ limit: 2, after: 'a', filter: { field: 'odd', in: [true] } });
      expect(odd).toMatchObject({ items: [{ id: 'c' }, { id: 'e' }], total: 3 });
    });

    it('tells its changes in order, from any of them on', async () => {
      await catalogue.put([newItem('a', x), newItem('b', y)]);
      await catalogue.put([newItem('a', x)]);
      await catalogue.delete(['b', 'unknown']);
      expect(await catalogue.changesSince(0, 10)).toEqual([
        { number: 1, op: 'put', id: 'a' },
        { number: 2, op: 'put', id: 'b' },
        { number: 3, op: 'delete', id: 'b' },
      ]);
      expect(await catalogue.changesSince(1, 1)).toMatchObject([{ number: 2 }]);
      expect(await catalogue.changesSince(3, 10)).toEqual([]);
    });

    it('counts items, labels and the values of fields', async () => {
      await catalogue.put([
        newItem('a', x, { label: 'cup', metadata: { n: 1 } }),
        newItem('b', x, { label: 'cup', metadata: { n: 2 } }),
        newItem('c', y, { label: null, metadata: { n: 2 } }),
      ]);
      const stats = await catalogue.stats();
      expect(stats).toMatchObject({ items: 3, labels: 1, dimension, fingerprint, changeNumber: 3 });
      expect(stats.bytes).toBeGreaterThan(0);
      expect(stats.fields).toEqual([
        { field: 'label', distinct: 1, values: [{ value: 'cup', count: 2 }] },
        {
          field: 'n',
          distinct: 2,
          values: [
            { value: 2, count: 2 },
            { value: 1, count: 1 },
          ],
        },
      ]);
    });

    it('stores all of a put or nothing', async () => {
      const bad: [Partial<NewItem>, string][] = [
        [{ id: '' }, 'invalid-request'],
        [{ id: 'x'.repeat(513) }, 'invalid-request'],
        [{ id: 'line\nbreak' }, 'invalid-request'],
        [{ id: 'half \ud800 pair' }, 'invalid-request'],
        [{ metadata: { price: Number.NaN } }, 'invalid-request'],
        [{ embedding: unit(1, 0, 0) }, 'invalid-vector'],
        [{ embedding: Float32Array.of(Number.NaN, 0, 0, 1) }, 'invalid-vector'],
        [{ embedding: Float32Array.of(3, 0, 0, 0) }, 'invalid-vector'],
      ];
      for (const [changes, code] of bad) {
        await expect(catalogue.put([newItem('good', x), newItem('b', x, changes)])).rejects.toMatchObject({ code });
      }
      expect((await catalogue.stats()).items).toBe(0);
      expect(await catalogue.put([newItem('x'.repeat(512), x)])).toEqual(['added']);
    });

    it('refuses a query that is not a vector of its dimension', async () => {
      await expect(catalogue.search(unit(1, 0), { limit: 1 })).rejects.toMatchObject({ code: 'invalid-vector' });
      const broken = Float32Array.of(1, Number.POSITIVE_INFINITY, 0, 0);
      await expect(catalogue.search(broken, { limit: 1 })).rejects.toMatchObject({ code: 'invalid-vector' });
      await expect(catalogue.search(x, { limit: 0 })).rejects.toMatchObject({ code: 'invalid-request' });
    });

    it('keeps what was acknowledged when it is opened again', async () => {
      await catalogue.put([newItem('a', x, { metadata: { shop: 'N' } }), newItem('b', y)]);
      await catalogue.delete(['b']);
      const before = await catalogue.stats();
      await catalogue.close();
      catalogue = await under.open();
      expect(await ids(y)).toEqual(['a']);
      expect(await catalogue.contentHashes()).toEqual(new Map([['a', 'hash of a']]));
      expect(await catalogue.stats()).toMatchObject({ changeNumber: before.changeNumber, fields: before.fields });
    });

    it('searches from an item as by its vector without it', async () => {
      const rows = [
        newItem('a', x, { metadata: { price: 1 / 3, new: true, '"': '\\\n' } }),
        newItem('b', y, { label: null }),
      ];
      await catalogue.put([...rows, newItem('c', unit(1, 1, 0, 0)), newItem('d', y)]);
      await catalogue.settled?.();
      const filter = { not: { field: 'id', in: ['c'] } };
      for (const options of [{ limit: 5 }, { limit: 1, exact: true }, { limit: 5, filter }]) {
        const found = await catalogue.searchFrom('d', options);
        expect(found?.neighbours).toEqual(await catalogue.search(y, { ...options, exclude: 'd' }));
        expect(found?.neighbours[0]?.item.id).toBe('b');
        expect(found).toMatchObject((await catalogue.lookup('d')) ?? {});
      }
      const last = await catalogue.searchFrom('d', { limit: 5 });
      const { embedding, ...a } = rows[0] ?? newItem('', x);
      expect(embedding).toEqual(x);
      expect(last?.neighbours.at(-1)?.item).toEqual(a);
      expect((await catalogue.lookup('d'))?.density).toEqual((await catalogue.densities(['d']))[0]);
    });

    it('gives an item as it is now, however often it was given before', async () => {
      const label = async () => (await catalogue.search(x, { limit: 1 }))[0]?.item.label;
      await catalogue.put([newItem('a', x, { label: 'first' })]);
      expect(await label()).toBe('first');
      expect(await label()).toBe('first');
      await catalogue.put([newItem('a', x, { label: 'second' })]);
      expect(await label()).toBe('second');
      await catalogue.put([newItem('a', x, { label: 'third', contentHash: 'another' })]);
      expect(await label()).toBe('third');
      await catalogue.delete(['a']);
      expect(await label()).toBeUndefined();
    });

    it('knows local densities once it has settled, and finds them with the items', async () => {
      await catalogue.put([newItem('alone', x)]);
      await catalogue.settled?.();
      expect(await catalogue.densities(['alone', 'unknown'])).toEqual([null, null]);
      await catalogue.put([newItem('b', y), newItem('c', y), newItem('d', unit(1, 1, 0, 0))]);
      await catalogue.settled?.();
      // Squared distances of "alone": 2, 2 and 2 − √2; of "b": 0, 2 and 2 − √2.
      const expected = [-Math.log((6 - Math.SQRT2) / 3), -Math.log((4 - Math.SQRT2) / 3)];
      const found = await catalogue.densities(['alone', 'b', 'unknown']);
      found.slice(0, 2).forEach((density, i) => expect(density).toBeCloseTo(expected[i] ?? NaN, 6));
      expect(found[2]).toBeNull();
      const near = await catalogue.search(x, { limit: 4 });
      expect(near.map(({ density }) => density)).toEqual(await catalogue.densities(near.map(({ item }) => item.id)));
      const { changeNumber, densities } = await catalogue.stats();
      expect(densities).toEqual({ items: 4, changeNumber });
    });

    it('tells the density of any place, with and without an item', async () => {
      expect(await catalogue.densityAt(x)).toBeNull();
      await catalogue.put([newItem('a', x), newItem('b', y), newItem('c', unit(-1, 0, 0, 0))]);
      expect(await catalogue.densityAt(unit(0, 0, 1, 0))).toBeCloseTo(-Math.log(2), 6);
      expect(await catalogue.densityAt(x, { exclude: 'a', exact: true })).toBeCloseTo(-Math.log(3), 6);
      await catalogue.settled?.();
      expect(await catalogue.densityAt(x, { exclude: 'a' })).toEqual((await catalogue.densities(['a']))[0]);
      await expect(catalogue.densityAt(unit(1, 0))).rejects.toMatchObject({ code: 'invalid-vector' });
    });

    it('counts exact duplicates as near, not as infinitely so', async () => {
      await catalogue.put([newItem('a', x), newItem('b', x)]);
      await catalogue.settled?.();
      for (const density of await catalogue.densities(['a', 'b'])) expect(density).toBeCloseTo(-Math.log(1e-6), 6);
    });

    it('keeps densities when it is opened again', async () => {
      await catalogue.put([newItem('a', x), newItem('b', y)]);
      await catalogue.settled?.();
      const before = await catalogue.densities(['a', 'b']);
      expect(before).not.toContain(null);
      await catalogue.close();
      catalogue = await under.open();
      expect(await catalogue.densities(['a', 'b'])).toEqual(before);
    });

    it('writes a snapshot while it goes on', async () => {
      await catalogue.put(Array.from({ length: 50 }, (_, i) => newItem(`item ${i}`, i % 2 ? x : y)));
      const folder = await mkdtemp(join(tmpdir(), 'kindred-snapshot-'));
      const copying = catalogue.snapshot(join(folder, 'copy'));
      const [, found] = await Promise.all([copying, catalogue.search(x, { limit: 1 })]);
      expect(found).toHaveLength(1);
      expect(existsSync(join(folder, 'copy'))).toBe(true);
      await rm(folder, { recursive: true });
    });

    it('behaves like a map through any series of puts, deletes and reopenings', async () => {
      // More than ten others, so that some of them are outside of a density.
      const names = ['a', 'b', 'c', 'd', 'e', 'f', 'é', '🙂', '\uffee', 'g', 'h', 'i', 'j', 'k', 'l'];
      const id = fc.constantFrom(...names);
      const vector = fc
        .tuple(...Array.from({ length: dimension }, () => fc.integer({ min: -3, max: 3 })))
        .filter((values) => values.some((value) => value !== 0))
        .map((values) => unit(...values));
      const item = fc.record({
        id,
        vector,
        label: fc.constantFrom('cup', 'jar', null),
        n: fc.integer({ min: 0, max: 2 }),
      });
      const step = fc.oneof(
        { weight: 5, arbitrary: fc.record({ put: fc.array(item, { minLength: 1, maxLength: 12 }) }) },
        { weight: 2, arbitrary: fc.record({ delete: fc.array(id, { minLength: 1, maxLength: 3 }) }) },
        { weight: 1, arbitrary: fc.constant({ reopen: true }) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), vector, async (steps, query) => {
          const start = await catalogue.scan({ limit: 1000 });
          await catalogue.delete(start.items.map((stored) => stored.id));
          const model = new Map<string, NewItem>();
          for (const action of steps) {
            if ('put' in action) {
              const items = action.put.map(({ id: name, vector: embedding, label, n }) =>
                newItem(name, embedding, { label, metadata: { n } }),
              );
              const outcomes = await catalogue.put(items);
              items.forEach((stored, i) => {
                expect(outcomes[i] === 'added').toBe(!model.has(stored.id));
                model.set(stored.id, stored);
              });
            } else if ('delete' in action) {
              const there = new Set(action.delete.filter((name) => model.delete(name)));
              expect(await catalogue.delete(action.delete)).toBe(there.size);
            } else {
              await catalogue.close();
              catalogue = await under.open();
            }
          }
          await expectSame(catalogue, model, query);
        }),
        { numRuns: 15 },
      );
    });
  });
}

async function expectSame(
  catalogue: Catalogue & Settling,
  model: Map<string, NewItem>,
  query: Float32Array,
): Promise<void> {
  const all = await catalogue.scan({ limit: 1000 });
  const sorted = [...model.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect(all.items.map(({ id }) => id)).toEqual(sorted);
  for (const { id, label, metadata } of all.items) {
    expect(label).toBe(model.get(id)?.label);
    expect(metadata).toEqual(model.get(id)?.metadata);
    expect(await catalogue.embedding(id)).toEqual(model.get(id)?.embedding);
  }
  await catalogue.settled?.();
  const densities = await catalogue.densities(sorted);
  sorted.forEach((id, i) => {
    const own = model.get(id)?.embedding ?? new Float32Array(0);
    const others = [...model.values()].filter((item) => item.id !== id);
    const distances = others.map(({ embedding }) => squaredDistance(own, embedding)).sort((a, b) => a - b);
    const expected = localDensity(distances);
    if (expected === null) expect(densities[i]).toBeNull();
    else expect(densities[i]).toBeCloseTo(expected, 4);
  });
  const searches: (Filter | undefined)[] = [undefined, { field: 'label', in: ['cup'] }];
  for (const filter of searches) {
    const found = await catalogue.search(query, filter ? { limit: 1000, filter } : { limit: 1000 });
    const expected = [...model.values()]
      .filter(({ label }) => !filter || label === 'cup')
      .map(({ embedding }) => squaredDistance(embedding, query))
      .sort((a, b) => a - b);
    expect(found).toHaveLength(expected.length);
    found.forEach(({ item, distance }, i) => {
      expect(distance).toBeCloseTo(expected[i] ?? NaN, 6);
      expect(distance).toBeCloseTo(squaredDistance(model.get(item.id)?.embedding ?? new Float32Array(0), query), 6);
    });
  }
}
