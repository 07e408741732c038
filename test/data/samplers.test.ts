import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { squaredDistance } from '../../src/core/vectors.js';
import { createDeck } from '../../src/data/deck.js';
import { createClassSampler } from '../../src/data/samplers/class.js';
import { createHardClassSampler } from '../../src/data/samplers/hard-class.js';
import { createHierarchicalSampler } from '../../src/data/samplers/hierarchical.js';
import { createNpairSampler } from '../../src/data/samplers/npair.js';
import { checkSampler, samplers } from '../../src/data/samplers/registry.js';
import { describeSampler, makeItems, randomRows, times } from '../contracts/sampler.js';

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

for (const name of samplers.names) {
  describeSampler(name, samplers.get(name));
  if (name !== 'npair') describeSampler(`${name}, more images than some classes have`, samplers.get(name), 4);
}

describe('class', () => {
  it('shows every image of a class before any again, and every class before any again', () => {
    const items = makeItems([5, 2, 7, 4]);
    const sampler = createClassSampler({ items, classesPerBatch: 3, imagesPerClass: 2, seed: 11 });
    const batches = times(100).map((step) => sampler.next(step));
    const ofFirst = batches.flatMap(({ indices }) => indices.filter((index) => items[index]?.label === 'class 000'));
    for (let start = 0; start + 5 <= ofFirst.length; start += 5) {
      expect(new Set(ofFirst.slice(start, start + 5)).size).toBe(5);
    }
    const classes = batches.flatMap(({ classes: own }) => own.filter((_, i) => i % 2 === 0));
    for (let start = 0; start + 4 <= classes.length; start += 4) {
      expect(new Set(classes.slice(start, start + 4)).size).toBe(4);
    }
  });
});

describe('npair', () => {
  it('takes two images of each class and no other number', () => {
    const options = { items: makeItems([4, 4]), classesPerBatch: 2, imagesPerClass: 4, seed: 0 };
    expect(() => createNpairSampler(options)).toThrow(
      expect.objectContaining({ code: 'invalid-option', field: '--images-per-class' }),
    );
  });
});

describe('hierarchical', () => {
  const items = makeItems([2, 2, 2, 2, 2, 2]);
  const options = { items, imagesPerClass: 2, seed: 3, field: 'category' };
  const categories = (indices: readonly number[]): unknown[] =>
    indices.map((index) => items[index]?.metadata['category']);

  it('stays within a category as far as that goes, then fills up from others', () => {
    const pairs = createHierarchicalSampler({ ...options, classesPerBatch: 2 });
    const three = createHierarchicalSampler({ ...options, classesPerBatch: 3 });
    const seen = new Set<unknown>();
    for (const step of times(40)) {
      const own = categories(pairs.next(step).indices);
      expect(new Set(own).size).toBe(1);
      seen.add(own[0]);
      const filled = categories(three.next(step).indices);
      expect([new Set(filled.slice(0, 4)).size, new Set(filled).size]).toEqual([1, 2]);
    }
    expect(seen.size).toBe(3);
  });

  it('says which fields there are, and which image has none', () => {
    expect(() => createHierarchicalSampler({ ...options, classesPerBatch: 2, field: undefined })).toThrow(
      expect.objectContaining({ field: '--sampler-field', hint: 'Use --sampler-field with one of category.' }),
    );
    expect(() => createHierarchicalSampler({ ...options, classesPerBatch: 2, field: 'colour' })).toThrow(
      'image 0/0 of class class 000 has no colour in its metadata',
    );
  });
});

describe('hard-class', () => {
  const items = makeItems(times(12).map(() => 3));
  const options = { items, classesPerBatch: 8, imagesPerClass: 2, seed: 5 };

  it('holds a class against its nearest ones by the means it was told, from the step that may use them', () => {
    const sampler = createHardClassSampler(options);
    const plain = times(9).map((step) => sampler.next(step));
    const { feedback } = sampler;
    expect(feedback?.indices.map((index) => items[index]?.label)).toHaveLength(36);
    const rows = randomRows(36, 6, 1);
    feedback?.learn(rows, 7);
    expect(times(7).map((step) => sampler.next(step))).toEqual(plain.slice(0, 7));
    expect(sampler.next(7)).not.toEqual(plain[7]);
    const means = times(12).map((c) =>
      Float32Array.from(
        { length: 6 },
        (_, j) => times(3).reduce((sum, i) => sum + (rows[(3 * c + i) * 6 + j] ?? 0), 0) / 3,
      ),
    );
    const mean = (c: number): Float32Array => means[c] ?? new Float32Array(6);
    const nearest = (c: number): number[] =>
      times(12)
        .filter((other) => other !== c)
        .sort((a, b) => squaredDistance(mean(c), mean(a)) - squaredDistance(mean(c), mean(b)));
    for (const step of times(20).map((i) => i + 7)) {
      const chosen = sampler.next(step).classes.filter((_, i) => i % 2 === 0);
      const leader = chosen[0] ?? NaN;
      expect(chosen.slice(1, 4)).toEqual(nearest(leader).slice(0, 3));
    }
  });

  it('leads with every class once per pass', () => {
    const sampler = createHardClassSampler({ ...options, classesPerBatch: 4 });
    sampler.feedback?.learn(randomRows(36, 6, 2), 0);
    const leaders = times(12).map((step) => sampler.next(step).classes[0]);
    expect(new Set(leaders).size).toBe(12);
  });

  it('refuses a checkpoint that does not hold its means', () => {
    const sampler = createHardClassSampler(options);
    expect(() => sampler.feedback?.restore(new Map([['from', Float32Array.of(3)]]))).toThrow(
      expect.objectContaining({ code: 'checkpoint-invalid' }),
    );
  });
});

describe('what is checked before anything is loaded', () => {
  it.each([
    ['hardclass', 4, undefined, 'unknown-name', '--sampler'],
    ['npair', 4, undefined, 'invalid-option', '--images-per-class'],
    ['class', 4, 'category', 'invalid-option', '--sampler-field'],
  ])('%s with %d images a class and field %s', (name, imagesPerClass, field, code, flag) => {
    expect(() => {
      checkSampler(name, { imagesPerClass, field });
    }).toThrow(expect.objectContaining({ code, field: flag }));
  });

  it('lets through what fits', () => {
    for (const name of samplers.names) {
      expect(() => {
        checkSampler(name, { imagesPerClass: 2, field: name === 'hierarchical' ? 'category' : undefined });
      }).not.toThrow();
    }
  });
});
