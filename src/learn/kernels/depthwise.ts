import type { TensorInfo } from '@tensorflow/tfjs-core';
import { geometryOf, shapeAttribute, type Geometry } from './geometry.js';
import { inputOf, view, wasmBackend, zeros, type KernelCall } from './heap.js';

/**
 * Walks every (output position, window position) that lies inside the picture. `visit` gets the offsets of the first
 * channel of the input pixel, of the output pixel, and of the window position in the kernel.
 */
function eachTap(g: Geometry, visit: (input: number, output: number, tap: number) => void): void {
  const kernelStep = g.inChannels * g.multiplier;
  for (let n = 0; n < g.batch; n++) {
    for (let oh = 0; oh < g.outHeight; oh++) {
      for (let ow = 0; ow < g.outWidth; ow++) {
        const output = ((n * g.outHeight + oh) * g.outWidth + ow) * g.outChannels;
        for (let kh = 0; kh < g.kh; kh++) {
          const ih = oh * g.strideHeight + kh - g.top;
          if (ih < 0 || ih >= g.inHeight) continue;
          for (let kw = 0; kw < g.kw; kw++) {
            const iw = ow * g.strideWidth + kw - g.left;
            if (iw < 0 || iw >= g.inWidth) continue;
            visit(((n * g.inHeight + ih) * g.inWidth + iw) * g.inChannels, output, (kh * g.kw + kw) * kernelStep);
          }
        }
      }
    }
  }
}

/** ∂L/∂kernel [kh, kw, channels, multiplier] of a depthwise convolution. */
export function depthwiseBackpropFilter(call: KernelCall): TensorInfo {
  const backend = wasmBackend(call.backend);
  const [x, dy] = [inputOf(call, 'x'), inputOf(call, 'dy')];
  const kernelShape = shapeAttribute(call.attrs, 'filterShape');
  const g = geometryOf(x.shape, kernelShape, call.attrs, true);
  const result = zeros(backend, kernelShape);
  const [xs, dys, sums] = [view(backend, x), view(backend, dy), view(backend, result)];
  const { inChannels, multiplier } = g;
  eachTap(g, (input, output, tap) => {
    if (multiplier === 1) {
      for (let c = 0; c < inChannels; c++)
        sums[tap + c] = (sums[tap + c] ?? 0) + (xs[input + c] ?? 0) * (dys[output + c] ?? 0);
      return;
    }
    for (let c = 0; c < inChannels; c++) {
      for (let m = 0; m < multiplier; m++) {
        const o = c * multiplier + m;
        sums[tap + o] = (sums[tap + o] ?? 0) + (xs[input + c] ?? 0) * (dys[output + o] ?? 0);
      }
    }
  });
  return result;
}

/** ∂L/∂input [N, h, w, channels] of a depthwise convolution. */
export function depthwiseBackpropInput(call: KernelCall): TensorInfo {
  const backend = wasmBackend(call.backend);
  const [dy, kernel] = [inputOf(call, 'dy'), inputOf(call, 'filter')];
  const inShape = shapeAttribute(call.attrs, 'inputShape');
  const g = geometryOf(inShape, kernel.shape, call.attrs, true);
  const result = zeros(backend, inShape);
  const [dys, ws, sums] = [view(backend, dy), view(backend, kernel), view(backend, result)];
  const { inChannels, multiplier } = g;
  eachTap(g, (input, output, tap) => {
    if (multiplier === 1) {
      for (let c = 0; c < inChannels; c++)
        sums[input + c] = (sums[input + c] ?? 0) + (ws[tap + c] ?? 0) * (dys[output + c] ?? 0);
      return;
    }
    for (let c = 0; c < inChannels; c++) {
      for (let m = 0; m < multiplier; m++) {
        const o = c * multiplier + m;
        sums[input + c] = (sums[input + c] ?? 0) + (ws[tap + o] ?? 0) * (dys[output + o] ?? 0);
      }
    }
  });
  return result;
}
