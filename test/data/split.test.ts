import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { itemsByLabel } from '../../src/data/dataset.js';
import { assignSplits, computeSplitHash, type UnsplitItem } from '../../src/data/split.js';

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

describe('computeSplitHash', () => {
  it('changes with an id, a label or a split', () => {
    const base = [{ id: 'a', label: 'x', split: 'train' as const }];
    const hash = computeSplitHash(base);
    expect(computeSplitHash([{ id: 'b', label: 'x', split: 'train' }])).not.toBe(hash);
    expect(computeSplitHash([{ id: 'a', label: null, split: 'train' }])).not.toBe(hash);
    expect(computeSplitHash([{ id: 'a', label: 'x', split: 'test' }])).not.toBe(hash);
  });
});
