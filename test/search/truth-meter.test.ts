import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { SearchOptions } from '../../src/indexing/catalogue.js';
import { createTruthMeter } from '../../src/search/truth-meter.js';

const vector = Float32Array.of(1, 0, 0);

function meterOver(answers: (number | null)[], changes: object = {}) {
  const asked: SearchOptions[] = [];
  const recall = (_vector: Float32Array, options: SearchOptions) => {
    asked.push(options);
    return Promise.resolve(answers.shift() ?? null);
  };
  const meter = createTruthMeter({ catalogue: { recall }, share: 1, idleMs: 1, ...changes });
  const query = (options: object = {}) =>
    meter.during(() => {
      meter.sample(vector, options);
      return Promise.resolve();
    });
  return { meter, asked, query };
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !done(); i++) await sleep(2);
  expect(done()).toBe(true);
}

it('keeps the mean of what it checked, within its window', async () => {
  const { meter, asked, query } = meterOver([1, 0.5, null, 0.9], { window: 2 });
  const filter = { field: 'label', in: ['cup'] };
  await query({ filter, exclude: 'a' });
  for (let i = 0; i < 3; i++) await query();
  await until(() => asked.length === 4);
  expect(asked[0]).toEqual({ filter, exclude: 'a', limit: 10 });
  expect(meter.snapshot()).toEqual({
    share: 1,
    recallAt10: 0.7,
    checked: 2,
    window: 2,
    waiting: 0,
    total: { checked: 3, dropped: 0, stale: 1 },
  });
});

it('waits while anything is searched for, and keeps no more than fit', async () => {
  const { meter, asked, query } = meterOver([1, 1, 1], { queue: 2 });
  let finish: () => void = () => undefined;
  const live = meter.during(() => new Promise<void>((resolve) => (finish = resolve)));
  for (let i = 0; i < 5; i++) await query();
  await sleep(20);
  expect(asked).toEqual([]);
  expect(meter.snapshot()).toMatchObject({ recallAt10: null, waiting: 2, total: { dropped: 3 } });
  finish();
  await live;
  await until(() => meter.snapshot().checked === 2);
});

it('takes its share, and no exact query', async () => {
  let next = 0;
  const { meter, asked, query } = meterOver([1, 1, 1], { share: 0.1, random: () => (next++ % 10) / 10 });
  for (let i = 0; i < 20; i++) await query();
  await query({ exact: true });
  await until(() => asked.length === 2);
  meter.close();
  for (let i = 0; i < 20; i++) await query();
  await sleep(20);
  expect(asked).toHaveLength(2);
});
