import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { itemsByLabel } from '../../src/data/dataset.js';
import { assignSplits, computeSplitHash, type UnsplitItem } from '../../src/data/split.js';
import { failure } from './helpers.js';

function make(classes: Readonly<Record<string, number>>): UnsplitItem[] {
  return Object.entries(classes).flatMap(([label, size]) =>
    Array.from({ length: size }, (_, index) => ({
      id: `${label}/${index}`,
      path: `${label}/${index}`,
      label,
      metadata: {},
    })),
  );
}

const letters = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [String.fromCharCode(65 + index), 2]));

function splitOfClasses(items: readonly UnsplitItem[], method: 'random' | 'every-second', seed = 0) {
  const groups = itemsByLabel(assignSplits(items, method, seed).items);
  return Object.fromEntries([...groups].map(([label, [first]]) => [label, first?.split]));
}

describe('assignSplits', () => {
  it('every-second: even positions by code units train, every fifth of them validates, odd ones test', () => {
    expect(splitOfClasses(make(letters(11)), 'every-second')).toEqual({
      ...{ A: 'train', C: 'train', E: 'train', G: 'train', I: 'validation', K: 'train' },
      ...{ B: 'test', D: 'test', F: 'test', H: 'test', J: 'test' },
    });
  });

  it('sorts by code units, not by language', () => {
    const splits = splitOfClasses(make({ ä: 2, a: 2, B: 2, Z: 2 }), 'every-second');
    expect(splits).toEqual({ B: 'train', Z: 'test', a: 'train', ä: 'test' });
  });

  it('random: half of the classes test, and a fifth of the others validates', () => {
    const values = Object.values(splitOfClasses(make(letters(20)), 'random', 3));
    const count = (name: string) => values.filter((value) => value === name).length;
    expect([count('train'), count('validation'), count('test')]).toEqual([8, 2, 10]);
    expect(splitOfClasses(make(letters(20)), 'random', 3)).not.toEqual(splitOfClasses(make(letters(20)), 'random', 4));
  });

  it('leaves out what has no label, is alone, or is iconic, and counts it', () => {
    const items: UnsplitItem[] = [
      ...make({ a: 2, b: 3, alone: 1 }),
      { id: 'x', path: 'x', label: null, metadata: {} },
      { id: 'icon', path: 'icon', label: 'a', metadata: {}, iconic: true },
      // With an iconic picture beside it, this one is still alone.
      { id: 'c', path: 'c', label: 'c', metadata: {} },
      { id: 'c-icon', path: 'c-icon', label: 'c', metadata: {}, iconic: true },
    ];
    const { items: split, leftOut } = assignSplits(items, 'random', 0);
    expect(leftOut).toEqual({ unlabelled: 1, alone: 2, iconic: 2 });
    const none = split.filter((item) => item.split === 'none').map((item) => item.id);
    expect(none).toEqual(['alone/0', 'x', 'icon', 'c', 'c-icon']);
  });

  it('never splits a class, and does not depend on the order of the items', () => {
    const sizes = fc.dictionary(fc.string({ minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 4 }));
    fc.assert(
      fc.property(
        sizes,
        fc.integer(),
        fc.constantFrom('random' as const, 'every-second' as const),
        (classes, seed, method) => {
          const items = make(classes);
          const { items: split } = assignSplits(items, method, seed);
          for (const group of itemsByLabel(split).values())
            expect(new Set(group.map((item) => item.split)).size).toBe(1);
          const backwards = assignSplits([...items].reverse(), method, seed).items;
          expect(computeSplitHash(backwards)).toBe(computeSplitHash(split));
        },
      ),
    );
  });
});

/** Classes A, B, … of two items; those up to `last` are in the training half. */
function official(count: number, last: string): UnsplitItem[] {
  return make(letters(count)).map((item) => ({
    ...item,
    half: (item.label ?? '') <= last ? ('train' as const) : ('test' as const),
    ...((item.label ?? '') > last ? { role: item.id.endsWith('0') ? ('query' as const) : ('gallery' as const) } : {}),
  }));
}

describe('the official split', () => {
  it('tests on the published half, with its roles, and validates on classes of the other', () => {
    for (const seed of [0, 1, 2]) {
      const { items } = assignSplits(official(20, 'J'), 'official', seed);
      const groups = [...itemsByLabel(items)];
      expect(groups.filter(([, [item]]) => item?.split === 'test').map(([label]) => label)).toEqual(
        Object.keys(letters(20)).slice(10),
      );
      expect(groups.filter(([, [item]]) => item?.split === 'validation')).toHaveLength(2);
      for (const { id, split, role } of items) {
        expect(role).toBe(split === 'test' ? (id.endsWith('0') ? 'query' : 'gallery') : undefined);
      }
    }
  });

  it('holds out other validation classes with another seed, and the same test classes', () => {
    const validation = (seed: number): string[] => {
      const { items } = assignSplits(official(20, 'J'), 'official', seed);
      return [...new Set(items.filter(({ split }) => split === 'validation').map(({ label }) => label ?? ''))];
    };
    expect(validation(1)).toEqual(validation(1));
    expect(new Set([0, 1, 2, 3, 4].map((seed) => validation(seed).join()))).not.toHaveProperty('size', 1);
  });

  it('refuses a class in both halves, and items without a half', async () => {
    const items = official(4, 'B');
    const both = items.map((item) => (item.id === 'A/1' ? { ...item, half: 'test' as const } : item));
    const attempt = (list: UnsplitItem[]) => failure(Promise.resolve().then(() => assignSplits(list, 'official', 0)));
    const error = await attempt(both);
    expect(error.code).toBe('dataset-invalid');
    expect(error.message).toContain('class "A" is in both halves');
    expect(await attempt(make(letters(4)))).toMatchObject({ code: 'invalid-option', field: '--split' });
  });
});

describe('folds', () => {
  it('test every class exactly once, and validate on none that is tested', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 40 }),
        fc.integer({ min: 2, max: 5 }),
        fc.integer(),
        fc.constantFrom('random' as const, 'every-second' as const),
        (count, of, seed, method) => {
          const tested = Array.from({ length: of }, (_, index) => {
            const { items } = assignSplits(make(letters(count)), method, seed, { index: index + 1, of });
            for (const group of itemsByLabel(items).values())
              expect(new Set(group.map(({ split }) => split)).size).toBe(1);
            return [...new Set(items.filter(({ split }) => split === 'test').map(({ label }) => label))];
          });
          expect(tested.flat()).toHaveLength(count);
          expect(new Set(tested.flat()).size).toBe(count);
          const sizes = tested.map(({ length }) => length);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('are refused where there are too few classes, or with the official split', async () => {
    const attempt = (method: 'random' | 'official', items: UnsplitItem[]) =>
      failure(Promise.resolve().then(() => assignSplits(items, method, 0, { index: 1, of: 5 })));
    expect((await attempt('random', make(letters(4)))).message).toBe('--fold 1/5: there are only 4 classes');
    expect((await attempt('official', official(20, 'J'))).message).toContain('the official split has no folds');
  });
});

describe('computeSplitHash', () => {
  it('changes with an id, a label, a split or a role', () => {
    const base = [{ id: 'a', label: 'x', split: 'train' as const }];
    const hash = computeSplitHash(base);
    expect(computeSplitHash([{ id: 'b', label: 'x', split: 'train' }])).not.toBe(hash);
    expect(computeSplitHash([{ id: 'a', label: null, split: 'train' }])).not.toBe(hash);
    expect(computeSplitHash([{ id: 'a', label: 'x', split: 'test' }])).not.toBe(hash);
    const queried = computeSplitHash([{ id: 'a', label: 'x', split: 'test', role: 'query' }]);
    expect(queried).not.toBe(computeSplitHash([{ id: 'a', label: 'x', split: 'test' }]));
    expect(queried).not.toBe(computeSplitHash([{ id: 'a', label: 'x', split: 'test', role: 'gallery' }]));
  });
});
