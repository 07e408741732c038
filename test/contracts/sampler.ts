import { describe, expect, it } from 'vitest';
import { KindredError } from '../../src/core/errors.js';
import { createRandom, gaussian } from '../../src/core/random.js';
import { l2Normalize } from '../../src/core/vectors.js';
import type { DatasetItem } from '../../src/data/dataset.js';
import type { Sampler, SamplerOptions } from '../../src/data/samplers/sampler.js';

/** Classes of these sizes, two neighbouring ones to a category. */
export function makeItems(sizes: readonly number[]): DatasetItem[] {
  return sizes.flatMap((size, label) =>
    Array.from({ length: size }, (_, index): DatasetItem => {
      const id = `${label}/${index}`;
      const metadata = { category: `category ${Math.floor(label / 2)}` };
      return { id, path: id, label: `class ${String(label).padStart(3, '0')}`, split: 'train', metadata };
    }),
  );
}

export const times = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Unit-length rows, another set for each seed. */
export function randomRows(count: number, dim: number, seed: number): Float32Array {
  const random = createRandom('rows', seed);
  const rows = times(count).flatMap(() => [...l2Normalize(Float32Array.from({ length: dim }, () => gaussian(random)))]);
  return Float32Array.from(rows);
}

/** What every sampler must do. */
export function describeSampler(title: string, create: (options: SamplerOptions) => Sampler, imagesPerClass = 2): void {
  const options: SamplerOptions = {
    items: makeItems([5, 2, 1, 7, 4, 3, 6]),
    classesPerBatch: 3,
    imagesPerClass,
    seed: 11,
    field: 'category',
  };
  /** A run in which an epoch ends every eight steps. */
  const told = (sampler: Sampler, from: number, to: number, seed = 0): ReturnType<Sampler['next']>[] =>
    times(to - from).map((i) => {
      const step = from + i;
      const batch = sampler.next(step);
      if (step % 8 === 7) {
        const count = sampler.feedback?.indices.length ?? 0;
        sampler.feedback?.learn(randomRows(count, 5, 100 * seed + step), step + 3);
      }
      return batch;
    });

  describe(title, () => {
    it('lays a batch out class by class, without classes of one image', () => {
      const sampler = create(options);
      const expected = ['class 000', 'class 001', 'class 003', 'class 004', 'class 005', 'class 006'];
      expect(sampler.classes).toEqual(expected);
      expect(sampler).toMatchObject({ images: 27, batchSize: 3 * imagesPerClass });
      for (const { indices, classes } of told(sampler, 0, 40)) {
        expect(indices).toHaveLength(3 * imagesPerClass);
        expect(classes.map((c) => sampler.classes[c])).toEqual(indices.map((index) => options.items[index]?.label));
        times(3).forEach((c) => {
          expect(new Set(classes.slice(c * imagesPerClass, (c + 1) * imagesPerClass)).size).toBe(1);
        });
        expect(new Set(classes).size).toBe(3);
      }
    });

    it('comes to every class and every image', () => {
      const seen = new Set(told(create(options), 0, 300).flatMap(({ indices }) => [...indices]));
      expect(seen.size).toBe(27);
    });

    it('repeats an image only in a class that has too few', () => {
      for (const { indices, classes } of told(create(options), 0, 40)) {
        times(3).forEach((c) => {
          const own = indices.slice(c * imagesPerClass, (c + 1) * imagesPerClass);
          const size = options.items.filter((item) => item.label === options.items[own[0] ?? 0]?.label).length;
          if (size >= imagesPerClass) expect(new Set(own).size).toBe(imagesPerClass);
          else expect(new Set(own).size).toBeGreaterThan(1);
        });
        expect(classes).toHaveLength(indices.length);
      }
    });

    it('is a function of the seed and what it was told: the same again, other batches for another seed', () => {
      const batches = told(create(options), 0, 40);
      expect(told(create(options), 0, 40)).toEqual(batches);
      expect(told(create({ ...options, seed: 12 }), 0, 40)).not.toEqual(batches);
    });

    it('goes on anywhere, with what it had saved', () => {
      const batches = told(create(options), 0, 40);
      for (const stop of [0, 8, 9, 10, 11, 21]) {
        const first = create(options);
        told(first, 0, stop);
        const resumed = create(options);
        resumed.feedback?.restore(first.feedback?.save() ?? new Map());
        expect(told(resumed, stop, 40)).toEqual(batches.slice(stop));
      }
    });

    it.each([
      [makeItems([2, 2, 2, 1]), '--classes-per-batch 3', 'only 3 classes'],
      [makeItems([2, 1]), 'at least two classes', 'only 1 class has'],
      [[], 'at least two classes', 'no class has'],
    ])('says what to change when there are too few classes', (items, hint, message) => {
      const start = () => create({ ...options, items, classesPerBatch: 16 });
      expect(start).toThrow(KindredError);
      expect(start).toThrow(expect.objectContaining({ code: 'dataset-too-small' }));
      expect(start).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) as unknown }));
      expect(start).toThrow(message);
    });
  });
}
