import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { backpropFilterLoops, backpropInputLoops } from './depthwise-loops.js';
import { geometryOf, shapeAttribute, type Geometry } from './geometry.js';
import { depthwise, inputOf, view, wasmBackend, type KernelCall, type Margin } from './heap.js';

/** The kernel's rows and columns in reverse, for one output a channel. */
function flipped(backend: BackendWasm, kernel: TensorInfo, g: Geometry): TensorInfo {
  const result = backend.makeOutput([g.kh, g.kw, g.inChannels, 1], 'float32');
  const [source, target] = [view(backend, kernel), view(backend, result)];
  const taps = g.kh * g.kw;
  for (let tap = 0; tap < taps; tap++) {
    const from = (taps - 1 - tap) * g.inChannels;
    target.set(source.subarray(from, from + g.inChannels), tap * g.inChannels);
  }
  return result;
}

/** Margins around dy that make its convolution with the flipped kernel as large as the input. */
function marginsForInput(kernel: number, before: number, input: number, output: number): Margin {
  const first = kernel - 1 - before;
  return [first, input + kernel - 1 - output - first];
}

/** Margins around the input that make its convolution with dy, spread by the stride, as large as the kernel. */
function marginsForFilter(kernel: number, before: number, input: number, output: number, stride: number): Margin {
  return [before, kernel + (output - 1) * stride - input - before];
}

const possible = (...margins: readonly Margin[]): boolean => margins.every(([a, b]) => a >= 0 && b >= 0);

/** ∂L/∂input [N, h, w, channels] of a depthwise convolution: with stride 1, dy convolved with the flipped kernel. */
export function depthwiseBackpropInput(call: KernelCall): TensorInfo {
  const backend = wasmBackend(call.backend);
  const [dy, kernel] = [inputOf(call, 'dy'), inputOf(call, 'filter')];
  const inShape = shapeAttribute(call.attrs, 'inputShape');
  const g = geometryOf(inShape, kernel.shape, call.attrs, true);
  const rows = marginsForInput(g.kh, g.top, g.inHeight, g.outHeight);
  const columns = marginsForInput(g.kw, g.left, g.inWidth, g.outWidth);
  const plain = g.multiplier === 1 && g.strideHeight === 1 && g.strideWidth === 1;
  if (!plain || !possible(rows, columns)) return backpropInputLoops(backend, g, dy, kernel, inShape);
  const turned = flipped(backend, kernel, g);
  const result = depthwise(backend, dy, turned, { rows, columns, dilations: [1, 1] });
  backend.disposeData(turned.dataId);
  return result;
}

/** Picture n of a batch as a batch of one. */
function picture(backend: BackendWasm, batch: TensorInfo, n: number, shape: number[]): TensorInfo {
  const result = backend.makeOutput(shape, 'float32');
  const size = shape.reduce((product, side) => product * side, 1);
  view(backend, result).set(view(backend, batch).subarray(n * size, (n + 1) * size));
  return result;
}

/**
 * ∂L/∂kernel [kh, kw, channels, multiplier] of a depthwise convolution: for each picture the input convolved with dy, whose
 * taps are as far apart as the stride, summed over the batch.
 */
export function depthwiseBackpropFilter(call: KernelCall): TensorInfo {
  const backend = wasmBackend(call.backend);
  const [x, dy] = [inputOf(call, 'x'), inputOf(call, 'dy')];
  const kernelShape = shapeAttribute(call.attrs, 'filterShape');
  const g = geometryOf(x.shape, kernelShape, call.attrs, true);
  const rows = marginsForFilter(g.kh, g.top, g.inHeight, g.outHeight, g.strideHeight);
  const columns = marginsForFilter(g.kw, g.left, g.inWidth, g.outWidth, g.strideWidth);
  if (g.multiplier !== 1 || !possible(rows, columns)) return backpropFilterLoops(backend, g, x, dy, kernelShape);
  const sums = new Float32Array(g.kh * g.kw * g.inChannels);
  for (let n = 0; n < g.batch; n++) {
    const image = picture(backend, x, n, [1, g.inHeight, g.inWidth, g.inChannels]);
    const filter = picture(backend, dy, n, [g.outHeight, g.outWidth, g.inChannels, 1]);
    const dilations = [g.strideHeight, g.strideWidth] as const;
    const part = depthwise(backend, image, filter, { rows, columns, dilations });
    const values = view(backend, part);
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (values[i] ?? 0);
    for (const { dataId } of [image, filter, part]) backend.disposeData(dataId);
  }
  const result = backend.makeOutput(kernelShape, 'float32');
  view(backend, result).set(sums);
  return result;
}
