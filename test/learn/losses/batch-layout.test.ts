import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createBatchLayout, negativePairs, perRow, positivePairs } from '../../../src/learn/losses/batch-layout.js';
import { useBackend } from './batches.js';
import { refusal } from './refusal.js';

describe('a batch layout', () => {
  beforeAll(() => useBackend('cpu'));

  test('lays classes out in blocks', () => {
    const layout = createBatchLayout(2, 2);
    expect(layout.size).toBe(4);
    expect([0, 1, 2, 3].map(layout.classOf)).toEqual([0, 0, 1, 1]);
    expect(positivePairs(layout).arraySync()).toEqual([
      [0, 1, 0, 0],
      [1, 0, 0, 0],
      [0, 0, 0, 1],
      [0, 0, 1, 0],
    ]);
    expect(negativePairs(layout).arraySync()).toEqual([
      [0, 0, 1, 1],
      [0, 0, 1, 1],
      [1, 1, 0, 0],
      [1, 1, 0, 0],
    ]);
    layout.dispose();
  });

  test('repeats the value of a class on each of its rows', () => {
    const layout = createBatchLayout(2, 3);
    expect([...perRow(tf.tensor1d([5, 7]), layout).dataSync()]).toEqual([5, 5, 5, 7, 7, 7]);
    layout.dispose();
  });

  test('builds a constant once, keeps it through a tidy and frees it on dispose', () => {
    const before = tf.memory().numTensors;
    const layout = createBatchLayout(3, 2);
    const first = tf.tidy(() => positivePairs(layout));
    expect(first.isDisposed).toBe(false);
    expect(positivePairs(layout)).toBe(first);
    layout.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each([
    [16, 1, '--images-per-class'],
    [1, 4, '--classes-per-batch'],
    [16, 2.5, '--images-per-class'],
    [NaN, 4, '--classes-per-batch'],
  ])('refuses %d classes of %d images, naming %s', (classes, images, field) => {
    const error = refusal(() => createBatchLayout(classes, images));
    expect(error).toMatchObject({ code: 'invalid-option', field });
    expect(error.message).toContain('at least 2');
  });
});
