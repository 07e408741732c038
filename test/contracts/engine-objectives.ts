import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { adamStep, createAdamState } from '../../src/learn/adam.js';
import type { EngineFactory } from '../../src/learn/engines/engine.js';
import { engines } from '../../src/learn/engines/registry.js';
import { learnedBy } from '../../src/learn/learned.js';
import { unitRows } from '../../src/learn/distances/unit-rows.js';
import { lossGradient } from '../../src/learn/loss-gradient.js';
import { createBatchLayout } from '../../src/learn/losses/batch-layout.js';
import { createLoss, losses } from '../../src/learn/losses/registry.js';
import { createObjective } from '../../src/learn/objective.js';
import { createRegularizer, regularizers } from '../../src/learn/regularizers/registry.js';
import type { Network } from '../../src/model/graph.js';
import { relativeDifference } from '../model/naive.js';
import { networkBuilder, randomValues, toPlanes } from '../model/networks.js';

const steps = 20;
const [classesPerBatch, imagesPerClass] = [4, 3];
const batch = classesPerBatch * imagesPerClass;
const side = 8;

/** An engine sees no more of an objective than the gradient it sends back: every loss and every density term, not each with each. */
const objectives = losses.names.flatMap((loss) =>
  regularizers.names
    .filter((regularizer) => loss === 'contrastive' || regularizer === 'none')
    .map((regularizer) => ({ loss, regularizer })),
);

/** A stride, a depthwise convolution, a 1×1 one and a head: MobileNetV1 in small. */
function tinyNetwork(): Network {
  const builder = networkBuilder([side, side, 3]);
  const first = builder.conv('input', 8, { size: [3, 3], strides: [2, 2], activation: 'relu6' });
  builder.conv(builder.depthwise(first, { activation: 'relu6' }), 12, { activation: 'relu6' });
  return builder.finishWithHead();
}

/** A class is a picture of its own, and an image that with noise: something that can be learned, and is not at once. */
function pictures(): Float32Array {
  const size = side * side * 3;
  const noise = randomValues(batch * size, 'noise');
  const shapes = randomValues(classesPerBatch * size, 'classes');
  return noise.map((value, i) => value + (shapes[Math.floor(i / (imagesPerClass * size)) * size + (i % size)] ?? 0));
}

interface Run {
  readonly curve: readonly number[];
  readonly firstGradients: ReadonlyMap<string, Float32Array>;
  readonly tensorsHeld: number;
}

async function train(create: EngineFactory, loss: string, regularizer: string): Promise<Run> {
  const network = tinyNetwork();
  const parameters = new Map([...network.parameters].map(([k, { shape, data }]) => [k, { shape, data: data.slice() }]));
  const engine = await create(network, { threads: 1 });
  const objective = createObjective({ loss: createLoss(loss), regularizer: createRegularizer(regularizer) });
  const layout = createBatchLayout(classesPerBatch, imagesPerClass);
  const rates = { classes: classesPerBatch, seed: 0, headRate: 1 };
  const learned = learnedBy({ ...network, parameters }, objective, rates);
  const adam = createAdamState(learned.parameters);
  const classes = Int32Array.from({ length: batch }, (_, i) => Math.floor(i / imagesPerClass));
  const reference = tf.tidy(() => unitRows(tf.tensor2d(randomValues(batch * 6, 'reference'), [batch, 6])));
  let ownGradients: ReadonlyMap<string, Float32Array> = new Map();
  const input = engine.layout === 'nhwc' ? pictures() : toPlanes(pictures(), network.inputShape);
  const curve: number[] = [];
  let firstGradients: Run['firstGradients'] = new Map();
  let held = 0;
  try {
    for (let step = 0; step < steps; step++) {
      const { gradients } = await engine.gradients(input, batch, parameters, (embeddings) => {
        const found = lossGradient(
          (raw, own) => objective.compute(raw, layout, { classes, own, reference }).total,
          embeddings,
          batch,
          learned.own,
        );
        ownGradients = found.own;
        curve.push(found.value);
        return found.gradient;
      });
      if (step === 0) {
        firstGradients = new Map([...gradients].map(([key, values]) => [key, values.slice()]));
        held = tf.memory().numTensors;
      }
      adamStep(learned.parameters, new Map([...gradients, ...ownGradients]), adam, () => 2e-3);
    }
    return { curve, firstGradients, tensorsHeld: tf.memory().numTensors - held };
  } finally {
    await engine.dispose();
    layout.dispose();
    reference.dispose();
  }
}

const references = new Map<string, Promise<Run>>();
function reference(loss: string, regularizer: string): Promise<Run> {
  const key = `${loss}/${regularizer}`;
  const found = references.get(key) ?? train(engines.get('cpu'), loss, regularizer);
  references.set(key, found);
  return found;
}

/** Every loss with every density term: one step and twenty, beside the cpu engine. docs/backends.md gives the tolerances. */
export function describeObjectives(name: string, create: EngineFactory): void {
  describe(`the ${name} engine trains`, () => {
    test.each(objectives)('$loss with $regularizer', async ({ loss, regularizer }) => {
      const expected = await reference(loss, regularizer);
      const actual = await train(create, loss, regularizer);
      expect(actual.firstGradients.size).toBe(expected.firstGradients.size);
      for (const [parameter, gradient] of actual.firstGradients) {
        const other = expected.firstGradients.get(parameter) ?? [];
        expect(relativeDifference(gradient, other), parameter).toBeLessThan(1e-4);
      }
      expect(relativeDifference(actual.curve, expected.curve)).toBeLessThan(1e-3);
      // Margins that follow the spread move what is asked for: the loss rises before it falls, on any engine.
      if (regularizer !== 'margin') expect(actual.curve.at(-1)).toBeLessThan(0.97 * (actual.curve[0] ?? NaN));
      expect(actual.tensorsHeld).toBe(0);
    });
  });
}
