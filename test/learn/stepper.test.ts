import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { engines } from '../../src/learn/engines/registry.js';
import { objectiveFor } from '../../src/learn/objective.js';
import { createStepper, type Stepper } from '../../src/learn/stepper.js';
import { restore, copyOf, toArrays } from '../../src/learn/training-state.js';
import { networkBuilder, randomValues } from '../model/networks.js';

const side = 4;
const size = side * side * 3;
const classes = 6;
const pictures = Array.from({ length: classes * 3 }, (_, i) => ({ id: `${i}`, path: `${i}` }));
const settings = {
  accumulate: 1,
  classesPerBatch: 3,
  imagesPerClass: 2,
  headRate: 1,
  inputSize: side,
  learningRate: 1e-2,
  seed: 4,
  steps: 8,
  threads: 1,
};

/** Pictures that are numbers of their own, without workers or files. */
const openStem = () =>
  Promise.resolve({
    run: (indices: readonly number[]) =>
      Promise.resolve(Float32Array.from(indices.flatMap((i) => [...randomValues(size, `picture ${i}`)]))),
    release: () => undefined,
    close: () => Promise.resolve(),
  });

interface Run {
  readonly loss: string;
  readonly lossOptions?: Readonly<Record<string, unknown>>;
  readonly memory?: number;
}

function open({ loss, lossOptions = {}, memory }: Run): Promise<Stepper> {
  const builder = networkBuilder([side, side, 3]);
  builder.conv(builder.conv('input', 4, { activation: 'relu6' }), 6, { activation: 'relu6' });
  const parts = { loss, lossOptions, regularizer: 'none', regularizerOptions: {}, lambda: undefined };
  return createStepper({
    network: builder.finishWithHead(),
    scale: { multiply: 1, add: 0 },
    trainFrom: 'all',
    engine: engines.get('cpu'),
    backend: 'cpu',
    objective: objectiveFor({ ...parts, ...settings, memory }),
    settings: { ...settings, memory, memoryWarmup: 1 },
    openStem,
    pictures,
    classes,
    batchAt: (step) => {
      const chosen = [0, 1, 2].map((offset) => (step + 2 * offset) % classes);
      return {
        indices: chosen.flatMap((c) => [3 * c, 3 * c + 1 + (step % 2)]),
        classes: chosen.flatMap((c) => [c, c]),
      };
    },
  });
}

/** Losses of the steps from `from` on, and every value that is learned at the end. */
async function steps(stepper: Stepper, from: number, to: number): Promise<{ losses: number[]; end: number[] }> {
  const losses: number[] = [];
  for (let step = from; step < to; step++) losses.push((await stepper.step(step)).loss);
  return { losses, end: [...copyOf(stepper.learned).values()].flatMap((values) => [...values]) };
}

describe('a run of steps', () => {
  beforeAll(() => tf.setBackend('cpu'));
  const opened: Stepper[] = [];
  const start = async (run: Run): Promise<Stepper> => {
    const stepper = await open(run);
    opened.push(stepper);
    return stepper;
  };
  afterAll(() => Promise.all(opened.map((stepper) => stepper.close())));

  test.each<Run>([
    { loss: 'proxy-anchor' },
    { loss: 'supcon', memory: 20 },
    { loss: 'triplet', memory: 9, lossOptions: { miner: 'distance-weighted' } },
  ])('goes on from its checkpoint to the same numbers: %o', async (run) => {
    const whole = await steps(await start(run), 0, settings.steps);
    const first = await start(run);
    await steps(first, 0, 5);
    const best = copyOf(first.learned);
    const arrays = toArrays(first.learned, first.adam, best, { memory: first.crossBatch });
    const resumed = await start(run);
    const checkpoint = { step: 5, settings: '', best: null, history: [], arrays };
    restore(checkpoint, resumed.learned, resumed.adam, best, { memory: resumed.crossBatch });
    const rest = await steps(resumed, 5, settings.steps);
    expect(rest.losses).toEqual(whole.losses.slice(5));
    expect(rest.end).toEqual(whole.end);
  });

  test('learns the proxies of the classes it sees, at their own rate, and keeps them out of the network', async () => {
    const stepper = await start({ loss: 'proxy-anchor', lossOptions: { proxyRate: 2 } });
    const names = [...stepper.learned.keys()].filter((name) => !stepper.rest.parameters.has(name));
    expect(names).toEqual(['loss/proxies']);
    const before = copyOf(stepper.learned);
    await stepper.step(0);
    const moved = (name: string): number[] =>
      [...(stepper.learned.get(name)?.data ?? [])].map((x, i) => Math.abs(x - (before.get(name)?.[i] ?? NaN)));
    // Adam's first step is the rate in every coordinate: at half of it in the warm-up.
    expect(Math.max(...moved('loss/proxies'))).toBeCloseTo((2 * settings.learningRate) / 2, 6);
    expect(Math.max(...moved('dense_5/kernel'))).toBeCloseTo(settings.learningRate / 2, 6);
  });

  test('a memory changes the loss from the end of its warm-up on', async () => {
    const alone = await steps(await start({ loss: 'supcon' }), 0, 2);
    const beside = await steps(await start({ loss: 'supcon', memory: 20 }), 0, 2);
    expect(beside.losses[0]).toBe(alone.losses[0]);
    expect(beside.losses[1]).not.toBe(alone.losses[1]);
  });
});
