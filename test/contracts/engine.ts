import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { adamStep, createAdamState } from '../../src/learn/adam.js';
import type { EngineFactory, GradientEngine, StepResult } from '../../src/learn/engines/engine.js';
import { engines } from '../../src/learn/engines/registry.js';
import { scalarWithGradient } from '../../src/learn/gradient.js';
import { lossGradient, type DifferentiableLoss } from '../../src/learn/loss-gradient.js';
import type { Network, Parameter } from '../../src/model/graph.js';
import { inferShapes } from '../../src/model/shapes.js';
import { failure } from '../data/helpers.js';
import { trainable } from '../learn/engines/cases.js';
import { naiveForward, relativeDifference, type Weights, type WeightValues } from '../model/naive.js';
import { networkBuilder, randomValues, toPlanes } from '../model/networks.js';

const batch = 3;
const options = { threads: 1 };

const sizeOf = (network: Network): number => network.inputShape.reduce((product, side) => product * side, 1);
const dimensionOf = (network: Network): number => inferShapes(network).get(network.output)?.[0] ?? 0;

/** Σ c·y + ½ Σ y²: every embedding value has a gradient of its own. */
const coefficients = (count: number): Float32Array => randomValues(count, 'coefficients');
const loss: DifferentiableLoss = (raw) =>
  scalarWithGradient(raw, () => {
    const c = tf.tensor2d(coefficients(raw.size), raw.shape);
    const terms = tf.add(tf.mul(raw, c), tf.mul(0.5, tf.mul(raw, raw)));
    return { value: tf.sum(terms), gradient: tf.add(raw, c) };
  });
const naiveLoss = (values: readonly number[]): number => {
  const c = coefficients(values.length);
  return values.reduce((sum, value, i) => sum + (c[i] ?? NaN) * value + 0.5 * value * value, 0);
};

const inputFor = (network: Network): Float32Array => randomValues(batch * sizeOf(network), 'input', 2);

function laidOut(engine: GradientEngine, network: Network, input: Float32Array): Float32Array {
  const flat = engine.layout === 'nhwc' || network.inputShape.length === 1;
  return flat ? input : toPlanes(input, network.inputShape);
}

async function withEngine<T>(create: EngineFactory, network: Network, use: (engine: GradientEngine) => Promise<T>) {
  const engine = await create(network, options);
  try {
    return await use(engine);
  } finally {
    await engine.dispose();
  }
}

type Step = StepResult & { readonly loss: number };

/** One step of an engine under `loss`, with the loss's value. */
async function stepWith(
  engine: GradientEngine,
  activations: Float32Array,
  count: number,
  parameters: Network['parameters'],
): Promise<Step> {
  let value = NaN;
  const result = await engine.gradients(activations, count, parameters, (embeddings) => {
    const found = lossGradient(loss, embeddings, count);
    value = found.value;
    return found.gradient;
  });
  return { ...result, loss: value };
}

const stepOf = (create: EngineFactory, network: Network): Promise<Step> =>
  withEngine(create, network, (engine) =>
    stepWith(engine, laidOut(engine, network, inputFor(network)), batch, network.parameters),
  );

/** Central differences of the plain loops, in double precision, at up to `most` places of a parameter. */
function differences(network: Network, name: string, most: number): { places: number[]; values: number[] } {
  const input = inputFor(network);
  const parameter = network.parameters.get(name);
  const data = Float64Array.from(parameter?.data ?? []);
  const weights: Weights = new Map<string, WeightValues>([
    ...network.parameters,
    [name, { shape: parameter?.shape ?? [], data }],
  ]);
  const stride = Math.max(1, Math.floor(data.length / most));
  const places = Array.from({ length: Math.ceil(data.length / stride) }, (_, i) => i * stride);
  const h = 1e-6;
  const values = places.map((place) => {
    const original = data[place] ?? NaN;
    const [above, below] = [original + h, original - h].map((value) => {
      data[place] = value;
      return naiveLoss(naiveForward(network, input, batch, weights));
    });
    data[place] = original;
    return ((above ?? NaN) - (below ?? NaN)) / (2 * h);
  });
  return { places, values };
}

/** Copies whose values an optimizer may change. */
const copied = (network: Network): Map<string, Parameter> =>
  new Map([...network.parameters].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]));

async function lossCurve(create: EngineFactory, network: Network): Promise<number[]> {
  const parameters = copied(network);
  const state = createAdamState(parameters);
  return withEngine(create, network, async (engine) => {
    const activations = laidOut(engine, network, inputFor(network));
    const curve: number[] = [];
    for (let step = 0; step < 20; step++) {
      const result = await stepWith(engine, activations, batch, parameters);
      adamStep(parameters, result.gradients, state, () => 0.01);
      curve.push(result.loss);
    }
    return curve;
  });
}

/** What every engine must do; `skip` names the cases it refuses. */
export function describeEngine(name: string, create: EngineFactory, refused: readonly string[] = []): void {
  const cases = trainable.filter(({ title }) => !refused.includes(title));

  describe(`the ${name} engine`, () => {
    test.each(cases)('value, gradients and embeddings of plain loops: $title', async ({ network }) => {
      const { loss: value, gradients, embeddings } = await stepOf(create, network);
      const expected = naiveForward(network, inputFor(network), batch);
      expect(relativeDifference(embeddings, expected)).toBeLessThan(1e-4);
      expect(relativeDifference([value], [naiveLoss(expected)])).toBeLessThan(1e-4);
      expect([...gradients.keys()].sort()).toEqual([...network.parameters.keys()].sort());
      for (const [parameter, gradient] of gradients) {
        expect(gradient.length).toBe(network.parameters.get(parameter)?.data.length);
        const { places, values } = differences(network, parameter, 16);
        expect(Math.max(...values.map(Math.abs)), parameter).toBeGreaterThan(1e-3);
        const found = places.map((place) => gradient[place] ?? NaN);
        expect(relativeDifference(found, values), parameter).toBeLessThan(1e-4);
      }
    });

    describe('beside the cpu engine', () => {
      const reference = new Map<string, Step>();
      beforeAll(async () => {
        for (const { title, network } of cases) reference.set(title, await stepOf(engines.get('cpu'), network));
      });

      test.each(cases)('every value of every gradient: $title', async ({ title, network }) => {
        const [actual, expected] = [await stepOf(create, network), reference.get(title)];
        expect(relativeDifference([actual.loss], [expected?.loss ?? NaN])).toBeLessThan(1e-4);
        for (const [parameter, gradient] of actual.gradients) {
          const other = expected?.gradients.get(parameter) ?? [];
          expect(relativeDifference(gradient, other), parameter).toBeLessThan(1e-4);
        }
      });
    });

    test('places that tie for the largest value share its gradient', async () => {
      const builder = networkBuilder([2, 2, 2]);
      builder.conv('input', 3);
      const network = builder.finishWithHead();
      const constant = new Float32Array(batch * 8).fill(1);
      const { gradients } = await withEngine(create, network, (engine) =>
        stepWith(engine, constant, batch, network.parameters),
      );
      const bias = gradients.get('conv_0/bias') ?? [];
      // All places are alike, so the pools' gradients add up as if there were one place.
      const data = Float64Array.from(network.parameters.get('conv_0/bias')?.data ?? []);
      const weights = new Map<string, WeightValues>([...network.parameters, ['conv_0/bias', { shape: [3], data }]]);
      const evaluate = (): number => naiveLoss(naiveForward(network, constant, batch, weights));
      for (let i = 0; i < 3; i++) {
        data[i] = (data[i] ?? 0) + 1e-6;
        const above = evaluate();
        data[i] = (data[i] ?? 0) - 2e-6;
        const below = evaluate();
        data[i] = (data[i] ?? 0) + 1e-6;
        expect(bias[i]).toBeCloseTo((above - below) / 2e-6, 3);
      }
    });

    test('embed gives the embeddings of a step, for any batch size', async () => {
      const network = residual();
      const input = inputFor(network);
      await withEngine(create, network, async (engine) => {
        const all = laidOut(engine, network, input);
        const { embeddings } = await stepWith(engine, all, batch, network.parameters);
        expect([...(await engine.embed(all, batch, network.parameters))]).toEqual([...embeddings]);
        const first = laidOut(engine, network, input.slice(0, sizeOf(network)));
        const alone = await engine.embed(first, 1, network.parameters);
        expect(relativeDifference(alone, embeddings.subarray(0, dimensionOf(network)))).toBeLessThan(1e-5);
        const one = await stepWith(engine, first, 1, network.parameters);
        expect(one.embeddings.length).toBe(dimensionOf(network));
      });
    });

    test('leaves no tensor behind and its parameters as they are', async () => {
      const network = residual();
      const before = [...network.parameters.values()].map(({ data }) => data.slice());
      await withEngine(create, network, async (engine) => {
        const activations = laidOut(engine, network, inputFor(network));
        const counts: [number, number][] = [];
        for (let step = 0; step < 6; step++) {
          await stepWith(engine, activations, batch, network.parameters);
          await engine.embed(activations, batch, network.parameters);
          counts.push([tf.memory().numTensors, tf.memory().numDataBuffers]);
        }
        expect(new Set(counts.map(String)).size).toBe(1);
      });
      expect([...network.parameters.values()].map(({ data }) => data)).toEqual(before);
    });

    test('the same step twice gives the same bits', async () => {
      const network = residual();
      const bits = async (): Promise<Partial<Step>> => ({ ...(await stepOf(create, network)), kernelMs: 0 });
      expect(await bits()).toEqual(await bits());
    });

    test('computes on the backend it is named after, where that is one of TF.js', async () => {
      const network = residual();
      const backend = name.startsWith('tfjs-node') ? 'tensorflow' : name;
      const held = (): number => (name === 'onnx' ? NaN : tf.engine().findBackend(backend).numDataIds());
      await withEngine(create, network, async (engine) => {
        const before = held();
        const activations = laidOut(engine, network, inputFor(network));
        await engine.gradients(activations, batch, network.parameters, (embeddings) => {
          if (name !== 'onnx') expect(held()).toBeGreaterThan(before + network.nodes.length);
          return embeddings;
        });
        expect(held()).toBe(before);
      });
    });

    test('another engine at work at the same time changes nothing, and the backend of the losses stays set', async () => {
      const network = residual();
      const alone = await stepOf(create, network);
      const current = tf.getBackend();
      const others = ['cpu', 'wasm'].filter((each) => each !== current && each !== name);
      const [together] = await Promise.all([
        withEngine(create, network, async (engine) => {
          const activations = laidOut(engine, network, inputFor(network));
          await engine.embed(activations, batch, network.parameters);
          return stepWith(engine, activations, batch, network.parameters);
        }),
        ...others.map((other) => stepOf(engines.get(other), network)),
      ]);
      for (const [key, gradient] of together.gradients) {
        expect(relativeDifference(gradient, alone.gradients.get(key) ?? []), key).toBeLessThan(1e-5);
      }
      expect(['cpu', 'wasm']).toContain(tf.getBackend());
    });

    test('twenty steps of Adam follow the curve of the cpu engine, downwards', async () => {
      const network = residual();
      const expected = await lossCurve(engines.get('cpu'), network);
      const curve = await lossCurve(create, network);
      expect(relativeDifference(curve, expected)).toBeLessThan(1e-3);
      expect(curve.at(-1)).toBeLessThan((curve[0] ?? NaN) - 0.5);
    });

    test.each(['max-pool', 'average-pool'] as const)(
      'embeds through %s, but refuses to train through it',
      async (op) => {
        const builder = networkBuilder([7, 6, 3]);
        builder.pool(op, builder.conv('input', 4, { activation: 'relu' }), { size: [3, 3], padding: 'same' });
        const network = builder.finishWithHead();
        await withEngine(create, network, async (engine) => {
          const activations = laidOut(engine, network, inputFor(network));
          const embedded = await engine.embed(activations, batch, network.parameters);
          expect(relativeDifference(embedded, naiveForward(network, inputFor(network), batch))).toBeLessThan(1e-4);
        });
        const error = await failure(stepOf(create, network));
        expect(error.code).toBe('backbone-unsupported');
        expect(error.message).toContain(`${op}_1`);
        expect(error.hint).toContain('--train-from');
      },
    );

    if (refused.length > 0) {
      test.each(trainable.filter(({ title }) => refused.includes(title)))('refuses $title', async ({ network }) => {
        const error = await failure(stepOf(create, network));
        expect(error.code).toBe('backbone-unsupported');
        expect(error.message).toContain('depthwise_1');
      });
    }
  });
}

/** An inverted residual as MobileNetV2 has it. */
function residual(): Network {
  const builder = networkBuilder([6, 5, 4]);
  const wide = builder.conv('input', 8, { activation: 'relu6' });
  const narrow = builder.conv(builder.depthwise(wide, { activation: 'relu6' }), 4);
  builder.plain('add', 'input', narrow);
  return builder.finishWithHead();
}
