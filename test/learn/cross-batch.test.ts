import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createCrossBatchMemory } from '../../src/learn/cross-batch.js';

const classesOf = (...numbers: number[]): Int32Array => Int32Array.from(numbers);

describe('a cross-batch memory', () => {
  beforeAll(() => tf.setBackend('cpu'));

  const recalled = (memory: ReturnType<typeof createCrossBatchMemory>, step: number) =>
    tf.tidy(() => {
      const past = memory.recall(step);
      return past && { rows: past.unit.arraySync(), classes: [...past.classes] };
    });

  test('keeps the last embeddings at unit length, with their classes; new ones take the oldest places', () => {
    const memory = createCrossBatchMemory({ capacity: 3, dim: 2, warmup: 0 });
    expect(recalled(memory, 0)).toBeUndefined();
    memory.add(Float32Array.of(3, 0, 0, 2), classesOf(7, 8));
    expect(recalled(memory, 1)).toEqual({ rows: [[1, 0], [0, 1]], classes: [7, 8] }); // prettier-ignore
    memory.add(Float32Array.of(-2, 0, 0, -1), classesOf(9, 10));
    expect(recalled(memory, 2)).toEqual({ rows: [[0, -1], [0, 1], [-1, 0]], classes: [10, 8, 9] }); // prettier-ignore
  });

  test('is not used before the warm-up is over, but fills up in the meantime', () => {
    const memory = createCrossBatchMemory({ capacity: 4, dim: 1, warmup: 2 });
    memory.add(Float32Array.of(1), classesOf(0));
    memory.add(Float32Array.of(1), classesOf(1));
    expect(recalled(memory, 1)).toBeUndefined();
    expect(recalled(memory, 2)?.classes).toEqual([0, 1]);
  });

  test('goes on from what it saved', () => {
    const options = { capacity: 5, dim: 2, warmup: 0 };
    const first = createCrossBatchMemory(options);
    first.add(Float32Array.of(1, 0, 0, 1, 1, 1, -1, 0), classesOf(1, 2, 3, 4));
    const second = createCrossBatchMemory(options);
    second.restore(first.save());
    for (const memory of [first, second]) memory.add(Float32Array.of(0, -1, -1, -1), classesOf(5, 6));
    expect(recalled(second, 1)).toEqual(recalled(first, 1));
    expect(recalled(first, 1)?.classes).toEqual([6, 2, 3, 4, 5]);
  });

  test.each([
    [new Map<string, Float32Array>()],
    [new Map([['rows', new Float32Array(4)], ['classes', new Float32Array(1)], ['next', Float32Array.of(1)]])], // prettier-ignore
    [new Map([['rows', new Float32Array(2)], ['classes', new Float32Array(1)], ['next', Float32Array.of(9)]])], // prettier-ignore
  ])('refuses what is no saved memory: %#', (arrays) => {
    const memory = createCrossBatchMemory({ capacity: 5, dim: 2, warmup: 0 });
    expect(() => {
      memory.restore(arrays);
    }).toThrow(expect.objectContaining({ code: 'checkpoint-invalid' }));
  });

  test('leaves no tensors behind', () => {
    const before = tf.memory().numTensors;
    const memory = createCrossBatchMemory({ capacity: 2, dim: 1, warmup: 0 });
    memory.add(Float32Array.of(1), classesOf(0));
    recalled(memory, 0);
    expect(tf.memory().numTensors).toBe(before);
  });
});
