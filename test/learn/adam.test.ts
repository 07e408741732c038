import fc from 'fast-check';
import { expect, test } from 'vitest';
import { adamStep, createAdamState, scheduleAt } from '../../src/learn/adam.js';
import { relativeDifference } from '../model/naive.js';
import { randomValues } from '../model/networks.js';

/** Algorithm 1 of the paper, one number at a time. */
function naiveAdam(start: number, gradients: readonly number[], rate: number): number[] {
  let [theta, m, v] = [start, 0, 0];
  return gradients.map((g, i) => {
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const [mHat, vHat] = [m / (1 - 0.9 ** (i + 1)), v / (1 - 0.999 ** (i + 1))];
    theta -= (rate * mHat) / (Math.sqrt(vHat) + 1e-8);
    return theta;
  });
}

test('follows the published algorithm, each parameter at its own rate', () => {
  const rates = new Map([
    ['a', 0.1],
    ['b', 0.01],
  ]);
  const parameters = new Map([...rates.keys()].map((name) => [name, { shape: [3], data: randomValues(3, name) }]));
  const before = new Map([...parameters].map(([name, { data }]) => [name, data.slice()]));
  const state = createAdamState(parameters);
  const steps = Array.from(
    { length: 25 },
    (_, i) => new Map([...rates.keys()].map((name) => [name, randomValues(3, `${name}${i}`, 10 ** (i % 3) / 100)])),
  );
  for (const gradients of steps) adamStep(parameters, gradients, state, (name) => rates.get(name) ?? NaN);
  expect(state.step).toBe(25);
  for (const [name, { data }] of parameters) {
    const expected = [0, 1, 2].map(
      (i) =>
        naiveAdam(
          before.get(name)?.[i] ?? NaN,
          steps.map((gradients) => gradients.get(name)?.[i] ?? NaN),
          rates.get(name) ?? NaN,
        ).at(-1) ?? NaN,
    );
    expect(relativeDifference(data, expected)).toBeLessThan(1e-5);
  }
});

test('the first step is the rate, whatever the size of the gradient', () => {
  const parameters = new Map([['a', { shape: [2], data: new Float32Array(2) }]]);
  const gradients = new Map([['a', Float32Array.of(1000, -0.01)]]);
  adamStep(parameters, gradients, createAdamState(parameters), () => 0.5);
  expect(parameters.get('a')?.data[0]).toBeCloseTo(-0.5, 5);
  expect(parameters.get('a')?.data[1]).toBeCloseTo(0.5, 5);
});

test('leaves a parameter without a gradient as it is', () => {
  const parameters = new Map([['a', { shape: [1], data: Float32Array.of(3) }]]);
  adamStep(parameters, new Map(), createAdamState(parameters), () => 1);
  expect(parameters.get('a')?.data[0]).toBe(3);
});

test('the schedule warms up, then falls, and stays within 5 % … 100 %', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), (steps) => {
      const shares = Array.from({ length: steps }, (_, step) => scheduleAt(step, steps));
      expect(Math.min(...shares)).toBeGreaterThan(0.04);
      expect(Math.max(...shares)).toBeLessThanOrEqual(1);
      const peak = shares.indexOf(Math.max(...shares));
      expect(peak).toBeLessThanOrEqual(Math.min(20, Math.ceil(steps / 10)));
      shares.forEach((share, i) => {
        if (i > 0 && i <= peak) expect(share).toBeGreaterThan(shares[i - 1] ?? NaN);
        if (i > peak) expect(share).toBeLessThan(shares[i - 1] ?? NaN);
      });
    }),
    { numRuns: 50, seed: 3 },
  );
  expect(scheduleAt(20, 300)).toBe(1);
  expect(scheduleAt(299, 300)).toBeLessThan(0.051);
});
