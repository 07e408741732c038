import { KindredError } from '../../core/errors.js';
import type { Remembered } from '../../core/remembered.js';
import { squaredDistance } from '../../core/vectors.js';

/** One batch: its class means [M·D], row by row, and the number of each of its classes among all. */
export interface MeansOfBatch {
  readonly means: Float32Array;
  readonly classes: readonly number[];
}

/** The means of all classes seen so far, from batch to batch. */
export interface ClassMeans {
  /**
   * Takes in a batch and gives the gap of each of its classes: the mean of the squared distances from its running mean to the nearest
   * other ones, of whatever batch. [M]
   */
  follow(batch: MeansOfBatch, neighbours: number): Float32Array;
  readonly remembered: Remembered;
}

/**
 * Exponential running means: mean ← momentum · mean + (1 − momentum) · the batch's, from a class's first batch on. The gap is then to a
 * class's true neighbours instead of to those that happened to be drawn with it, and holds less sampling noise; but
 * means of long ago belong to a network of long ago.
 */
export function createClassMeans(momentum: number): ClassMeans {
  const running = new Map<number, Float32Array>();
  return {
    follow({ means, classes }, neighbours) {
      const dim = means.length / classes.length;
      classes.forEach((name, c) => {
        const now = means.subarray(c * dim, (c + 1) * dim);
        const before = running.get(name);
        running.set(name, before ? before.map((x, j) => momentum * x + (1 - momentum) * (now[j] ?? 0)) : now.slice());
      });
      return Float32Array.from(classes, (name) => {
        const own = running.get(name) ?? new Float32Array(dim);
        const others = [...running].filter(([other]) => other !== name);
        const nearest = Float32Array.from(others, ([, mean]) => squaredDistance(own, mean))
          .sort()
          .subarray(0, neighbours);
        return nearest.reduce((sum, distance) => sum + distance, 0) / nearest.length;
      });
    },
    remembered: {
      save: () => new Map([...running].map(([name, mean]) => [String(name), mean.slice()])),
      restore(arrays) {
        running.clear();
        for (const [name, mean] of arrays) {
          if (!/^\d+$/.test(name))
            throw new KindredError('checkpoint-invalid', `the checkpoint has a running mean of no class: ${name}`, {
              hint: 'Train from the start, without --resume.',
            });
          running.set(Number(name), mean.slice());
        }
      },
    },
  };
}
