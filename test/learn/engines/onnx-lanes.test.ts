import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { batchGradients } from '../../../src/learn/batch-gradients.js';
import type { GradientEngine, OutputGradient, StepResult } from '../../../src/learn/engines/engine.js';
import { blockSize } from '../../../src/learn/engines/onnx/block.js';
import { createOnnxEngine } from '../../../src/learn/engines/onnx/engine.js';
import { failure } from '../../data/helpers.js';
import { relativeDifference } from '../../model/naive.js';
import { networkBuilder, randomValues } from '../../model/networks.js';

const builder = networkBuilder([6, 5, 3]);
builder.conv(builder.depthwise(builder.conv('input', 32, { activation: 'relu6' }), { activation: 'relu6' }), 8);
const network = builder.finishWithHead();
const pictureSize = 6 * 5 * 3;
const engines: GradientEngine[] = [];
const open = async (threads: number): Promise<GradientEngine> => {
  const engine = await createOnnxEngine(network, { threads });
  engines.push(engine);
  return engine;
};
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.dispose()));
});

/** ∂/∂y of (Σ y)² / 2: every row's gradient depends on all rows, as in a loss that compares them. */
const coupled: OutputGradient = (embeddings) => {
  const sum = embeddings.reduce((total, value) => total + value, 0);
  return embeddings.map((value) => value + sum / embeddings.length);
};

/** A copy: the engine's own is overwritten by its next call. */
async function stepOf(engine: GradientEngine, batch: number): Promise<StepResult> {
  const activations = randomValues(batch * pictureSize, 'pictures', 2);
  const result = await engine.gradients(activations, batch, network.parameters, coupled);
  return { ...result, gradients: new Map([...result.gradients].map(([name, values]) => [name, values.slice()])) };
}

function expectAlike(actual: StepResult, expected: StepResult): void {
  expect(relativeDifference(actual.embeddings, expected.embeddings)).toBeLessThan(1e-5);
  expect([...actual.gradients.keys()]).toEqual([...expected.gradients.keys()]);
  for (const [name, values] of actual.gradients)
    expect(relativeDifference(values, expected.gradients.get(name) ?? []), name).toBeLessThan(1e-5);
}

test('the processors this runs on have blocked kernels of a known size, or none', async () => {
  expect([0, 4, 8, 16]).toContain(await blockSize());
});

describe('lanes', () => {
  // 40 pictures are three pieces on one thread; 3 are fewer than there are lanes for.
  test.each([
    [40, 2],
    [41, 3],
    [3, 4],
    [1, 2],
  ])('%i pictures on %i threads give the gradients of one thread', async (batch, threads) => {
    const [many, one] = [await open(threads), await open(1)];
    const expected = await stepOf(one, batch);
    expectAlike(await stepOf(many, batch), expected);
    // A second step starts its sums anew.
    expectAlike(await stepOf(many, batch), expected);
    const activations = randomValues(batch * pictureSize, 'pictures', 2);
    const embedded = await many.embed(activations, batch, network.parameters);
    expect(relativeDifference(embedded, expected.embeddings)).toBeLessThan(1e-5);
  });

  test('an embed between the two passes of a step does not disturb it', async () => {
    const engine = await open(2);
    const expected = await stepOf(engine, 20);
    const activations = randomValues(20 * pictureSize, 'pictures', 2);
    const other = randomValues(8 * pictureSize, 'others', 2);
    const result = await engine.gradients(activations, 20, network.parameters, async (embeddings) => {
      await engine.embed(other, 8, network.parameters);
      return coupled(embeddings);
    });
    expectAlike(result, expected);
  });
});

describe('a lane whose worker dies between the two passes', () => {
  const activations = randomValues(20 * pictureSize, 'pictures', 2);
  /** An engine on two lanes, and what ends one of its workers. */
  async function mortal(): Promise<{ engine: GradientEngine; kill: () => Promise<unknown> }> {
    const { mock } = vi.spyOn(Worker.prototype, 'postMessage');
    const engine = await open(2);
    // The latest, so that the one in a dead worker's place dies too.
    const kill = (): Promise<unknown> => {
      const worker: unknown = mock.contexts.at(-1);
      return worker instanceof Worker ? worker.terminate() : Promise.reject(new Error('no worker'));
    };
    return { engine, kill };
  }
  afterEach(() => vi.restoreAllMocks());

  test('once: the step is done over, with the same gradients', async () => {
    const expected = await stepOf(await open(2), 20);
    const { engine, kill } = await mortal();
    let deaths = 0;
    const result = await engine.gradients(activations, 20, network.parameters, async (embeddings) => {
      if (deaths++ === 0) await kill();
      return coupled(embeddings);
    });
    expect(deaths).toBe(2);
    expectAlike(result, expected);
  });

  test('again and again: the step fails, and says that a worker died', async () => {
    const { engine, kill } = await mortal();
    const step = engine.gradients(activations, 20, network.parameters, async (embeddings) => {
      await kill();
      return coupled(embeddings);
    });
    expect((await failure(step)).code).toBe('worker-died');
  });
});

test.each([2, 5, 40])('a batch computed in %i pieces has the gradients of the whole', async (pieces) => {
  const engine = await open(1);
  const expected = await stepOf(engine, 40);
  const activations = randomValues(40 * pictureSize, 'pictures', 2);
  const size = Math.ceil(40 / pieces);
  const parts = Array.from({ length: Math.ceil(40 / size) }, (_, i) => {
    const part = activations.slice(i * size * pictureSize, (i + 1) * size * pictureSize);
    return { activations: part, count: part.length / pictureSize };
  });
  expectAlike(await batchGradients(engine, parts, network.parameters, coupled), expected);
});
