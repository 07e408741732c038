import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadNsfwjs } from '../../../src/learn/backbones/nsfwjs.js';
import { registerWasmKernels } from '../../../src/learn/kernels/register.js';
import { windowing } from '../../../src/model/graph.js';
import { relativeDifference } from '../../model/naive.js';
import { randomValues } from '../../model/networks.js';
import { convolutionsOf, mobilenetV1Convolutions, type ConvolutionShape } from './shapes.js';

interface Gradients {
  readonly kernel: Float32Array;
  readonly input: Float32Array;
}

function outputShape({ op, input, kernel, strides, padding }: ConvolutionShape): number[] {
  const [h = 0, w = 0] = input;
  const [kh = 1, kw = 1, third = 1, fourth = 1] = kernel;
  const rows = windowing(h, kh, strides[0], padding).out;
  const columns = windowing(w, kw, strides[1], padding).out;
  return [rows, columns, op === 'depthwise' ? third * fourth : fourth];
}

const values = (shape: readonly number[], seed: string): tf.Tensor =>
  tf.tensor(
    randomValues(
      shape.reduce((product, side) => product * side, 1),
      seed,
    ),
    [...shape],
  );

/** Both gradients by the kernels of the backend that is set. */
function gradientsOf(shape: ConvolutionShape, batch: number): Gradients {
  return tf.tidy(() => {
    const inputShape = [batch, ...shape.input];
    const [x, filter] = [values(inputShape, 'x'), values(shape.kernel, 'kernel')];
    const dy = values([batch, ...outputShape(shape)], 'dy');
    const attributes = { strides: [...shape.strides], pad: shape.padding, dataFormat: 'NHWC', dilations: [1, 1] };
    const prefix = shape.op === 'depthwise' ? 'DepthwiseConv2dNative' : 'Conv2D';
    const run = (name: string, inputs: tf.NamedTensorMap, extra: tf.NamedAttrMap): Float32Array => {
      const result: tf.Tensor = tf.engine().runKernel(`${prefix}${name}`, inputs, { ...attributes, ...extra });
      return Float32Array.from(result.dataSync());
    };
    return {
      kernel: run('BackpropFilter', { x, dy }, { filterShape: [...shape.kernel] }),
      input: run('BackpropInput', { dy, filter }, { inputShape }),
    };
  });
}

async function on(backend: 'wasm' | 'cpu', shape: ConvolutionShape, batch: number): Promise<Gradients> {
  await tf.setBackend(backend);
  return gradientsOf(shape, batch);
}

async function compare(shape: ConvolutionShape, batch: number): Promise<void> {
  const expected = await on('cpu', shape, batch);
  const actual = await on('wasm', shape, batch);
  const title = JSON.stringify(shape);
  expect(relativeDifference(actual.kernel, expected.kernel), title).toBeLessThan(1e-4);
  expect(relativeDifference(actual.input, expected.input), title).toBeLessThan(1e-4);
}

/**
 * Two images; for a matrix product over all positions one, of at most 2 × 1, because more positions show nothing new and
 * take the cpu backend seconds.
 */
async function compareOnce(shape: ConvolutionShape): Promise<void> {
  if (shape.op !== 'conv2d' || shape.kernel[0] !== 1) return compare(shape, 2);
  const [h = 0, , channels = 0] = shape.input;
  return compare({ ...shape, input: [Math.min(h, 2), 1, channels] }, 1);
}

beforeAll(() => registerWasmKernels());

describe('gradients of convolutions on wasm, beside the cpu backend', () => {
  test('every convolution of nsfwjs’ MobileNetV2 at 96 px', async () => {
    const network = (await loadNsfwjs({ cut: 'out_relu' })).network(96);
    const shapes = convolutionsOf(network);
    expect(shapes.length).toBeGreaterThan(20);
    for (const shape of shapes) await compareOnce(shape);
  });

  test('every convolution of MobileNetV1 at 96 px', async () => {
    const shapes = mobilenetV1Convolutions(96);
    expect(shapes).toHaveLength(19);
    for (const shape of shapes) await compareOnce(shape);
  });

  test('any size, kernel, stride, padding and depth multiplier', async () => {
    const side = fc.integer({ min: 3, max: 9 });
    const window = fc.integer({ min: 1, max: 3 });
    const channels = fc.integer({ min: 1, max: 5 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('conv2d' as const, 'depthwise' as const),
        fc.tuple(side, side, channels),
        fc.tuple(window, window, channels),
        fc.tuple(window, window),
        fc.constantFrom('same' as const, 'valid' as const),
        fc.integer({ min: 1, max: 3 }),
        async (op, input, [kh, kw, last], strides, padding, batch) => {
          await compare({ op, input, kernel: [kh, kw, input[2], last], strides, padding }, batch);
        },
      ),
      { numRuns: 120, seed: 5 },
    );
  });

  test('explicit padding, as attributes may give it', async () => {
    const run = async (backend: string): Promise<Float32Array> => {
      await tf.setBackend(backend);
      return tf.tidy(() => {
        const pad = [
          [0, 0],
          [0, 1],
          [0, 1],
          [0, 0],
        ];
        const inputs = { x: values([2, 6, 5, 3], 'x'), dy: values([2, 3, 2, 4], 'dy') };
        const attributes = { strides: [2, 2], pad, dataFormat: 'NHWC', filterShape: [3, 3, 3, 4] };
        const result: tf.Tensor = tf
          .engine()
          .runKernel('Conv2DBackpropFilter', inputs, { ...attributes, dimRoundingMode: 'floor' });
        return Float32Array.from(result.dataSync());
      });
    };
    expect(relativeDifference(await run('wasm'), await run('cpu'))).toBeLessThan(1e-4);
  });

  test('leave no tensor and no piece of memory behind', async () => {
    await tf.setBackend('wasm');
    const shapes: ConvolutionShape[] = [
      { op: 'conv2d', input: [5, 5, 3], kernel: [3, 3, 3, 4], strides: [2, 2], padding: 'same' },
      { op: 'conv2d', input: [5, 5, 3], kernel: [1, 1, 3, 4], strides: [1, 1], padding: 'same' },
      { op: 'depthwise', input: [5, 5, 3], kernel: [3, 3, 3, 2], strides: [1, 1], padding: 'valid' },
    ];
    const held = (): [number, number] => [tf.memory().numTensors, tf.engine().backend.numDataIds()];
    const before = held();
    for (let i = 0; i < 5; i++) for (const shape of shapes) gradientsOf(shape, 2);
    expect(held()).toEqual(before);
  });

  test('refuse dilation instead of giving a wrong gradient', async () => {
    await tf.setBackend('wasm');
    const inputs = { x: values([1, 7, 7, 1], 'x'), dy: values([1, 3, 3, 1], 'dy') };
    const attributes = { strides: [1, 1], pad: 'valid', dilations: [2, 2], filterShape: [3, 3, 1, 1] };
    expect(() => tf.engine().runKernel('DepthwiseConv2dNativeBackpropFilter', inputs, attributes)).toThrow(
      'dilated convolutions cannot be trained',
    );
    tf.dispose(inputs);
  });
});
