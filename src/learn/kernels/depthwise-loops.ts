import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Geometry } from './geometry.js';
import { view, zeros } from './heap.js';

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

/** ∂L/∂kernel, where the backend's convolution cannot give it. */
export function backpropFilterLoops(
  backend: BackendWasm,
  g: Geometry,
  x: TensorInfo,
  dy: TensorInfo,
  kernelShape: number[],
): TensorInfo {
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

/** ∂L/∂input, with a stride or several outputs a channel. */
export function backpropInputLoops(
  backend: BackendWasm,
  g: Geometry,
  dy: TensorInfo,
  kernel: TensorInfo,
  inShape: number[],
): TensorInfo {
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
