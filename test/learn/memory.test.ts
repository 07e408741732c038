import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { availableMemory, checkMemory, predictMemory, type BatchMemory } from '../../src/learn/memory.js';
import { failure } from '../data/helpers.js';
import { networkBuilder } from '../model/networks.js';

const builder = networkBuilder([48, 48, 32]);
builder.conv(builder.conv('input', 64), 64);
const run: BatchMemory = {
  network: builder.finishWithHead(),
  backend: 'onnx',
  classesPerBatch: 64,
  imagesPerClass: 8,
  accumulate: 1,
  threads: 2,
};

const errorOf = (options: BatchMemory, available: number) =>
  failure(Promise.resolve().then(() => checkMemory(options, available)));

describe('the memory of a batch', () => {
  test.each(['onnx', 'wasm'])('grows with the batch and the threads and falls with the pieces (%s)', (backend) => {
    const whole = predictMemory({ ...run, backend });
    expect(predictMemory({ ...run, backend, classesPerBatch: 65 })).toBeGreaterThan(whole);
    expect(predictMemory({ ...run, backend, threads: 3 })).toBeGreaterThan(whole);
    expect(predictMemory({ ...run, backend, accumulate: 2 })).toBeLessThan(whole);
  });

  test('what the refusal names fits, and one more does not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0.3, max: 0.99, noNaN: true }), async (share) => {
        const available = predictMemory(run) * share;
        const { code, hint, message } = await errorOf(run, available);
        expect(code).toBe('batch-too-large');
        expect(message).toContain('a batch of 512 pictures');
        const classes = /--classes-per-batch (\d+) is the largest/.exec(hint ?? '')?.[1];
        const pieces = /--accumulate (\d+) computes/.exec(hint ?? '')?.[1];
        if (classes !== undefined) {
          expect(predictMemory({ ...run, classesPerBatch: Number(classes) })).toBeLessThanOrEqual(available);
          expect(predictMemory({ ...run, classesPerBatch: Number(classes) + 1 })).toBeGreaterThan(available);
        }
        if (pieces !== undefined) {
          expect(predictMemory({ ...run, accumulate: Number(pieces) })).toBeLessThanOrEqual(available);
          expect(predictMemory({ ...run, accumulate: Number(pieces) - 1 })).toBeGreaterThan(available);
        }
      }),
    );
  });

  test('where nothing fits the advice is another', async () => {
    const { hint } = await errorOf(run, 1);
    expect(hint).toContain('--train-from');
  });

  test('a batch that fits passes', () => {
    expect(() => checkMemory(run, predictMemory(run))).not.toThrow();
    expect(availableMemory()).toBeGreaterThan(0);
  });
});
