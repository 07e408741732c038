import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KindredError } from '../../src/core/errors.js';
import type { DatasetItem } from '../../src/data/dataset.js';
import { createDeck } from '../../src/data/deck.js';
import { createClassSampler } from '../../src/data/samplers/class.js';

function make(sizes: readonly number[]): DatasetItem[] {
  return sizes.flatMap((size, label) =>
    Array.from({ length: size }, (_, index): DatasetItem => {
      const id = `${label}/${index}`;
      return { id, path: id, label: `class ${String(label).padStart(3, '0')}`, split: 'train', metadata: {} };
    }),
  );
}

const times = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('createDeck', () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 12 }), fc.integer());

  it('deals every card once per pass', () => {
    fc.assert(
      fc.property(sizes, ([count, size, seed]) => {
        const deck = createDeck(count, size, seed);
        const dealt = times(40).flatMap((index) => [...deck.hand(index)]);
        for (let start = 0; start + count <= dealt.length; start += count) {
          expect([...dealt.slice(start, start + count)].sort((a, b) => a - b)).toEqual(times(count));
        }
      }),
    );
  });

  it('holds no card twice in a hand when there are enough', () => {
    fc.assert(
      fc.property(sizes, ([count, size, seed]) => {
        fc.pre(count >= size);
        const deck = createDeck(count, size, seed);
        for (const index of times(40)) expect(new Set(deck.hand(index)).size).toBe(size);
      }),
    );
  });

  it('gives a hand whatever was asked before', () => {
    fc.assert(
      fc.property(sizes, fc.array(fc.nat(60)), ([count, size, seed], order) => {
        const straight = createDeck(count, size, seed);
        const hands = times(61).map((index) => straight.hand(index));
        const jumping = createDeck(count, size, seed);
        for (const index of order) expect(jumping.hand(index)).toEqual(hands[index]);
      }),
    );
  });
});

describe('createClassSampler', () => {
  const options = { items: make([5, 2, 1, 7, 4, 3]), classesPerBatch: 3, imagesPerClass: 2, seed: 11 };

  it('lays a batch out class by class, without classes of one image', () => {
    const sampler = createClassSampler(options);
    expect(sampler.classes).toEqual(['class 000', 'class 001', 'class 003', 'class 004', 'class 005']);
    expect(sampler).toMatchObject({ images: 21, batchSize: 6 });
    for (const step of times(30)) {
      const { indices, classes } = sampler.next(step);
      expect(indices).toHaveLength(6);
      expect(classes.map((name) => sampler.classes[name])).toEqual(indices.map((index) => options.items[index]?.label));
      expect(classes.filter((_, index) => index % 2 === 0)).toEqual(classes.filter((_, index) => index % 2 === 1));
      expect(new Set(classes).size).toBe(3);
      expect(new Set(indices).size).toBe(6);
    }
  });

  it('shows every image of a class before any again', () => {
    const sampler = createClassSampler(options);
    const seen = times(100).flatMap((step) => [...sampler.next(step).indices]);
    const ofFirst = seen.filter((index) => options.items[index]?.label === 'class 000');
    for (let start = 0; start + 5 <= ofFirst.length; start += 5) {
      expect(new Set(ofFirst.slice(start, start + 5)).size).toBe(5);
    }
    expect(ofFirst.length).toBeGreaterThan(40);
  });

  it('repeats images only in a class that has too few', () => {
    const sampler = createClassSampler({ ...options, items: make([2, 6]), classesPerBatch: 2, imagesPerClass: 4 });
    for (const step of times(10)) {
      const { indices, classes } = sampler.next(step);
      const distinct = [0, 1].map((wanted) => new Set(indices.filter((_, at) => classes[at] === wanted)).size);
      expect(distinct).toEqual([2, 4]);
    }
  });

  it('resumes anywhere, and another seed gives other batches', () => {
    const straight = createClassSampler(options);
    const batches = times(50).map((step) => straight.next(step));
    expect(createClassSampler(options).next(37)).toEqual(batches[37]);
    expect(times(50).map((step) => createClassSampler({ ...options, seed: 12 }).next(step))).not.toEqual(batches);
  });

  it.each([
    [make([2, 2, 2, 1]), '--classes-per-batch 3', 'only 3 classes'],
    [make([2, 1]), 'at least two classes', 'only 1 class has'],
    [make([1, 1]), 'at least two classes', 'no class has'],
    [[], 'at least two classes', 'no class has'],
  ])('says what to change when there are too few classes', (items, hint, message) => {
    const create = () => createClassSampler({ ...options, items, classesPerBatch: 16 });
    expect(create).toThrow(KindredError);
    expect(create).toThrow(expect.objectContaining({ code: 'dataset-too-small' }));
    expect(create).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) as unknown }));
    expect(create).toThrow(message);
  });
});
