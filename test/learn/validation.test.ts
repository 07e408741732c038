import { expect, test } from 'vitest';
import type { GradientEngine } from '../../src/learn/engines/engine.js';
import type { StemPipeline } from '../../src/learn/stem/stem-pipeline.js';
import { validate } from '../../src/learn/validation.js';

/** A pipeline whose activations are the picture's number, and an engine that turns it into a direction. */
function fakes(angleOf: (index: number) => number) {
  const asked: { indices: readonly number[]; seeds: readonly string[] | null }[] = [];
  const pipeline: StemPipeline = {
    run(indices, seeds) {
      asked.push({ indices, seeds });
      return Promise.resolve(Float32Array.from(indices));
    },
    release: () => undefined,
    close: () => Promise.resolve(),
  };
  const engine: Pick<GradientEngine, 'embed'> = {
    embed: (activations) =>
      Promise.resolve(
        Float32Array.from(
          [...activations].flatMap((index) => [5 * Math.cos(angleOf(index)), 5 * Math.sin(angleOf(index))]),
        ),
      ),
  };
  const unused = (): Promise<never> => Promise.reject(new Error('not used here'));
  const whole: GradientEngine = {
    ...engine,
    name: 'fake',
    layout: 'nhwc',
    gradients: unused,
    dispose: () => Promise.resolve(),
  };
  return { pipeline, engine: whole, asked };
}

test('R@1 and MAP@R over all held-out pictures, in order, without augmentation', async () => {
  // 150 pictures of 3 classes, more than two chunks; those of a class point nearly the same way.
  const indices = Array.from({ length: 150 }, (_, i) => 1000 + i);
  const labels = Int32Array.from(indices, (index) => index % 3);
  const { pipeline, engine, asked } = fakes((index) => (index % 3) * 2 + (index - 1000) * 1e-4);
  expect(await validate({ indices, labels }, { pipeline, engine, parameters: new Map() })).toEqual({
    recallAt1: 1,
    mapAtR: 1,
  });
  expect(asked.flatMap((call) => call.indices)).toEqual(indices);
  expect(asked.every(({ seeds }) => seeds === null)).toBe(true);
  const shuffledLabels = Int32Array.from(indices, (_, i) => Math.floor(i / 50));
  const worse = await validate({ indices, labels: shuffledLabels }, { pipeline, engine, parameters: new Map() });
  expect(worse?.mapAtR).toBeLessThan(0.6);
});

test('is null where nothing is held out, or nothing has a partner', async () => {
  const { pipeline, engine } = fakes((index) => index);
  const none = { indices: [], labels: new Int32Array(0) };
  expect(await validate(none, { pipeline, engine, parameters: new Map() })).toBeNull();
  const alone = { indices: [0, 1, 2, 3], labels: Int32Array.of(0, 1, 2, 3) };
  expect(await validate(alone, { pipeline, engine, parameters: new Map() })).toBeNull();
});

test('one failure is reported, and the chunk that was being prepared fails in silence', async () => {
  const { pipeline, engine } = fakes((index) => index);
  let runs = 0;
  const failing: StemPipeline = {
    ...pipeline,
    run: (indices, seeds) => (runs++ === 0 ? pipeline.run(indices, seeds) : Promise.reject(new Error('closed'))),
  };
  const embed = (): Promise<never> => Promise.reject(new Error('the engine failed'));
  const indices = Array.from({ length: 100 }, (_, i) => i);
  const set = { indices, labels: Int32Array.from(indices, () => 0) };
  await expect(
    validate(set, { pipeline: failing, engine: { ...engine, embed }, parameters: new Map() }),
  ).rejects.toThrow('the engine failed');
});
