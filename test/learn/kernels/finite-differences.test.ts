import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { registerWasmKernels } from '../../../src/learn/kernels/register.js';
import { relativeDifference } from '../../model/naive.js';
import { randomValues } from '../../model/networks.js';

/** One convolution with explicit padding: rows before and after, columns before and after. */
interface Case {
  readonly depthwise: boolean;
  readonly batch: number;
  readonly input: readonly [number, number, number];
  /** Height, width, and outputs: all of them, or for each channel. */
  readonly kernel: readonly [number, number, number];
  readonly strides: readonly [number, number];
  readonly rows: readonly [number, number];
  readonly columns: readonly [number, number];
}

const sizes = ({ input: [h, w, c], kernel: [kh, kw, last], strides, rows, columns, depthwise }: Case) => ({
  outHeight: Math.floor((h + rows[0] + rows[1] - kh) / strides[0]) + 1,
  outWidth: Math.floor((w + columns[0] + columns[1] - kw) / strides[1]) + 1,
  outputs: depthwise ? c * last : last,
});

/** Σ dy · convolution(x, kernel), by plain loops in double precision. */
function weighted(it: Case, x: Float64Array, kernel: Float64Array, dy: Float32Array): number {
  const [h, w, channels] = it.input;
  const [kh, kw, last] = it.kernel;
  const { outHeight, outWidth, outputs } = sizes(it);
  let sum = 0;
  for (let n = 0; n < it.batch; n++)
    for (let oh = 0; oh < outHeight; oh++)
      for (let ow = 0; ow < outWidth; ow++)
        for (let i = 0; i < kh; i++)
          for (let j = 0; j < kw; j++) {
            const [row, column] = [oh * it.strides[0] + i - it.rows[0], ow * it.strides[1] + j - it.columns[0]];
            if (row < 0 || row >= h || column < 0 || column >= w) continue;
            for (let c = 0; c < channels; c++)
              for (let o = 0; o < last; o++) {
                const output = it.depthwise ? c * last + o : o;
                sum +=
                  (x[((n * h + row) * w + column) * channels + c] ?? NaN) *
                  (kernel[((i * kw + j) * channels + c) * last + o] ?? NaN) *
                  (dy[((n * outHeight + oh) * outWidth + ow) * outputs + output] ?? NaN);
              }
          }
  return sum;
}

/** Central differences of `evaluate` in every place of `values`. The sum is linear in each, so a large step is exact. */
function differences(values: Float64Array, evaluate: () => number): number[] {
  return [...values].map((value, i) => {
    values[i] = value + 0.5;
    const above = evaluate();
    values[i] = value - 0.5;
    const below = evaluate();
    values[i] = value;
    return above - below;
  });
}

const count = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

function check(it: Case): void {
  const [h, w, channels] = it.input;
  const [kh, kw, last] = it.kernel;
  const { outHeight, outWidth, outputs } = sizes(it);
  const inputShape = [it.batch, h, w, channels];
  const filterShape = [kh, kw, channels, last];
  const x = randomValues(count(inputShape), 'x');
  const kernel = randomValues(count(filterShape), 'kernel');
  const dyShape = [it.batch, outHeight, outWidth, outputs];
  const dy = randomValues(count(dyShape), 'dy');
  const attributes = {
    strides: [...it.strides],
    pad: [[0, 0], [...it.rows], [...it.columns], [0, 0]],
    dilations: [1, 1],
    dataFormat: 'NHWC',
    dimRoundingMode: 'floor',
  };
  const prefix = it.depthwise ? 'DepthwiseConv2dNative' : 'Conv2D';
  const held = (): number[] => [tf.memory().numTensors, tf.memory().numBytes, tf.engine().backend.numDataIds()];
  const before = held();
  const found = tf.tidy(() => {
    const inputs = { x: tf.tensor(x, inputShape), filter: tf.tensor(kernel, filterShape), dy: tf.tensor(dy, dyShape) };
    const run = (name: string, extra: tf.NamedAttrMap): Float32Array => {
      const result: tf.Tensor = tf.engine().runKernel(`${prefix}${name}`, inputs, { ...attributes, ...extra });
      return Float32Array.from(result.dataSync());
    };
    return { kernel: run('BackpropFilter', { filterShape }), input: run('BackpropInput', { inputShape }) };
  });
  expect(held()).toEqual(before);
  const [xs, ks] = [Float64Array.from(x), Float64Array.from(kernel)];
  const evaluate = (): number => weighted(it, xs, ks, dy);
  const title = JSON.stringify(it);
  expect(relativeDifference(found.kernel, differences(ks, evaluate)), title).toBeLessThan(1e-5);
  expect(relativeDifference(found.input, differences(xs, evaluate)), title).toBeLessThan(1e-5);
}

beforeAll(async () => {
  registerWasmKernels();
  await tf.setBackend('wasm');
});

const upTo = (max: number, min = 0): fc.Arbitrary<number> => fc.integer({ min, max });

test('both gradients are the central differences of plain loops, for any shape, stride, padding and multiplier', () => {
  fc.assert(
    fc.property(
      fc.record({
        depthwise: fc.boolean(),
        batch: upTo(2, 1),
        input: fc.tuple(upTo(5, 3), upTo(5, 3), upTo(3, 1)),
        kernel: fc.tuple(upTo(3, 1), upTo(3, 1), upTo(3, 1)),
        strides: fc.tuple(upTo(3, 1), upTo(3, 1)),
        rows: fc.tuple(upTo(2), upTo(2)),
        columns: fc.tuple(upTo(2), upTo(2)),
      }),
      check,
    ),
    { numRuns: 300, seed: 11 },
  );
});

// The paths that differ inside: SIMD convolution or loops; margins that fit or do not.
const plain = { batch: 2, input: [6, 5, 4], rows: [1, 1], columns: [1, 1] } as const;
test.each<[string, Case]>([
  ['depthwise, stride 1', { ...plain, depthwise: true, kernel: [3, 3, 1], strides: [1, 1] }],
  ['depthwise, stride 2', { ...plain, depthwise: true, kernel: [3, 3, 1], strides: [2, 2] }],
  ['depthwise, a last row unused', { ...plain, depthwise: true, kernel: [3, 3, 1], strides: [3, 2], rows: [0, 1] }],
  ['depthwise, wider margins than the kernel', { ...plain, depthwise: true, kernel: [1, 2, 1], strides: [1, 1] }],
  ['depthwise, multiplier 2', { ...plain, depthwise: true, kernel: [3, 3, 2], strides: [1, 1] }],
  ['1×1', { ...plain, depthwise: false, kernel: [1, 1, 5], strides: [1, 1], rows: [0, 0], columns: [0, 0] }],
  ['1×1 with margins', { ...plain, depthwise: false, kernel: [1, 1, 5], strides: [1, 1] }],
  ['3×2, stride 2×1', { ...plain, depthwise: false, kernel: [3, 2, 5], strides: [2, 1] }],
])('%s', (_, it) => check(it));
