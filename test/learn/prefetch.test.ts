import { expect, test } from 'vitest';
import { createPrefetch } from '../../src/learn/prefetch.js';

function recorder(end: number) {
  const made: number[] = [];
  const prefetch = createPrefetch((step) => {
    made.push(step);
    return step === 3 ? Promise.reject(new Error('no value 3')) : Promise.resolve(step * 10);
  }, end);
  return { made, prefetch };
}

test('makes each value once, when it is asked for or taken, and none that does not exist', async () => {
  const { made, prefetch } = recorder(3);
  expect(await prefetch.take(0)).toBe(0);
  expect(made).toEqual([0]);
  prefetch.ask(1, 2);
  prefetch.ask(1, 5);
  expect(made).toEqual([0, 1, 2]);
  expect([await prefetch.take(1), await prefetch.take(2)]).toEqual([10, 20]);
  expect(made).toEqual([0, 1, 2]);
});

test('a failure is reported when its turn comes, and no sooner', async () => {
  const { prefetch } = recorder(9);
  prefetch.ask(1, 4);
  await prefetch.settle();
  expect(await prefetch.take(1)).toBe(10);
  await expect(prefetch.take(3)).rejects.toThrow('no value 3');
  expect(await prefetch.take(4)).toBe(40);
});
