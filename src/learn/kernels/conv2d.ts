import type { TensorInfo } from '@tensorflow/tfjs-core';
import { geometryOf, isPointwise, shapeAttribute, type Geometry } from './geometry.js';
import { inputOf, matMul, reshaped, transpose, view, wasmBackend, zeros, type KernelCall } from './heap.js';

/** Calls `visit` with (row of the patch matrix, offset of its pixel in the picture) for one window position. */
function eachPatch(g: Geometry, kh: number, kw: number, visit: (row: number, pixel: number) => void): void {
  for (let n = 0; n < g.batch; n++) {
    for (let oh = 0; oh < g.outHeight; oh++) {
      const ih = oh * g.strideHeight + kh - g.top;
      if (ih < 0 || ih >= g.inHeight) continue;
      for (let ow = 0; ow < g.outWidth; ow++) {
        const iw = ow * g.strideWidth + kw - g.left;
        if (iw < 0 || iw >= g.inWidth) continue;
        visit((n * g.outHeight + oh) * g.outWidth + ow, ((n * g.inHeight + ih) * g.inWidth + iw) * g.inChannels);
      }
    }
  }
}

/**
 * ∂L/∂kernel [kh, kw, in, out] = patchesᵀ · dy, with patches [N·h·w, kh·kw·in] written transposed (for a 1×1
 * convolution they are the input itself).
 */
export function conv2dBackpropFilter(call: KernelCall): TensorInfo {
  const backend = wasmBackend(call.backend);
  const [x, dy] = [inputOf(call, 'x'), inputOf(call, 'dy')];
  const kernelShape = shapeAttribute(call.attrs, 'filterShape');
  const g = geometryOf(x.shape, kernelShape, call.attrs, false);
  const rows = g.batch * g.outHeight * g.outWidth;
  const patches = zeros(backend, [g.kh * g.kw * g.inChannels, rows]);
  const [source, target] = [view(backend, x), view(backend, patches)];
  if (isPointwise(g)) transpose(source, target, rows, g.inChannels);
  else {
    for (let kh = 0; kh < g.kh; kh++) {
      for (let kw = 0; kw < g.kw; kw++) {
        const first = (kh * g.kw + kw) * g.inChannels;
        eachPatch(g, kh, kw, (row, pixel) => {
          for (let c = 0; c < g.inChannels; c++) target[(first + c) * rows + row] = source[pixel + c] ?? 0;
        });
      }
    }
  }
  const product = matMul(backend, patches, reshaped(dy, [rows, g.outChannels]));
  backend.disposeData(patches.dataId);
  return reshaped(product, kernelShape);
}

/** ∂L/∂input [N, h, w, in]: dy · kernelᵀ gives the patches' gradient, which is added back where each patch came from. */
export function conv2dBackpropInput(call: KernelCall): TensorInfo {
  const backend = wasmBackend(call.backend);
  const [dy, kernel] = [inputOf(call, 'dy'), inputOf(call, 'filter')];
  const inShape = shapeAttribute(call.attrs, 'inputShape');
  const g = geometryOf(inShape, kernel.shape, call.attrs, false);
  const rows = g.batch * g.outHeight * g.outWidth;
  const patch = g.kh * g.kw * g.inChannels;
  const turned = backend.makeOutput([g.outChannels, patch], 'float32');
  transpose(view(backend, kernel), view(backend, turned), patch, g.outChannels);
  const patches = matMul(backend, reshaped(dy, [rows, g.outChannels]), turned);
  backend.disposeData(turned.dataId);
  if (isPointwise(g)) return reshaped(patches, inShape);
  const result = zeros(backend, inShape);
  const [source, target] = [view(backend, patches), view(backend, result)];
  for (let kh = 0; kh < g.kh; kh++) {
    for (let kw = 0; kw < g.kw; kw++) {
      const first = (kh * g.kw + kw) * g.inChannels;
      eachPatch(g, kh, kw, (row, pixel) => {
        const from = row * patch + first;
        for (let c = 0; c < g.inChannels; c++) target[pixel + c] = (target[pixel + c] ?? 0) + (source[from + c] ?? 0);
      });
    }
  }
  backend.disposeData(patches.dataId);
  return result;
}
