import { expect, test } from 'vitest';
import { viewSeeds } from '../../../src/learn/stem/views.js';

const ids = Array.from({ length: 64 }, (_, i) => `picture-${i}`);

test('without a number of views no seed comes twice, in any step or place', () => {
  const seeds = [0, 1, 2].flatMap((step) =>
    viewSeeds({ seed: 0, step, first: 0, ids: [...ids, 'picture-0'], views: undefined }),
  );
  expect(new Set(seeds).size).toBe(seeds.length);
});

test('with a number of views a picture has that many seeds, all about equally often', () => {
  const counts = new Map<string, number>();
  for (let step = 0; step < 200; step++)
    for (const seed of viewSeeds({ seed: 3, step, first: 0, ids, views: 8 }))
      counts.set(seed, (counts.get(seed) ?? 0) + 1);
  expect(counts.size).toBe(64 * 8);
  expect(Math.min(...counts.values())).toBeGreaterThan(8); // 25 on average
  expect(Math.max(...counts.values())).toBeLessThan(50);
});

test('are decided by seed, step and place, whatever the pieces of a batch', () => {
  for (const views of [undefined, 8]) {
    const whole = viewSeeds({ seed: 1, step: 5, first: 0, ids, views });
    const pieces = [0, 20, 40].flatMap((first) =>
      viewSeeds({ seed: 1, step: 5, first, ids: ids.slice(first, first === 40 ? 64 : first + 20), views }),
    );
    expect(pieces).toEqual(whole);
    expect(viewSeeds({ seed: 2, step: 5, first: 0, ids, views })).not.toEqual(whole);
    expect(viewSeeds({ seed: 1, step: 6, first: 0, ids, views })).not.toEqual(whole);
  }
});
