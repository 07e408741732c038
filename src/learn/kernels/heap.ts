import { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { getKernel, type NamedAttrMap, type NamedTensorInfoMap, type TensorInfo } from '@tensorflow/tfjs-core';
import { KindredError } from '../../core/errors.js';

/** What a kernel function gets from TF.js. */
export interface KernelCall {
  readonly inputs: NamedTensorInfoMap;
  readonly attrs?: NamedAttrMap | undefined;
  readonly backend: unknown;
}

export function wasmBackend(backend: unknown): BackendWasm {
  if (!(backend instanceof BackendWasm))
    throw new KindredError('internal', 'a wasm kernel was called with another backend');
  return backend;
}

export function inputOf(call: KernelCall, name: string): TensorInfo {
  const info = call.inputs[name];
  if (!info) throw new KindredError('internal', `the kernel got no input ${name}`);
  return info;
}

/**
 * The values of a tensor, in place. Making an output can grow the heap, which detaches every view taken before: make all
 * outputs first, then take views.
 */
export function view(backend: BackendWasm, info: TensorInfo): Float32Array {
  const values = backend.typedArrayFromHeap(info);
  if (!(values instanceof Float32Array)) throw new KindredError('internal', `expected float32, got ${info.dtype}`);
  return values;
}

/** A new float32 tensor filled with zeros (the heap hands out memory as it was left). */
export function zeros(backend: BackendWasm, shape: number[]): TensorInfo {
  const info = backend.makeOutput(shape, 'float32');
  view(backend, info).fill(0);
  return info;
}

/** The same values under another shape, without a copy; valid as long as `info` is. */
export function reshaped(info: TensorInfo, shape: number[]): TensorInfo {
  return { dataId: info.dataId, dtype: info.dtype, shape };
}

/** One of the backend's own kernels. */
function run(backend: BackendWasm, name: string, inputs: NamedTensorInfoMap, attrs: NamedAttrMap): TensorInfo {
  const result = getKernel(name, 'wasm').kernelFunc({ inputs, attrs, backend });
  const info = Array.isArray(result) ? result[0] : result;
  if (!info) throw new KindredError('internal', `${name} gave nothing`);
  return info;
}

/** [m, k] × [k, n] → [m, n]; fast as long as nothing is transposed. */
export function matMul(backend: BackendWasm, a: TensorInfo, b: TensorInfo): TensorInfo {
  const [m = 0, k = 0] = a.shape;
  const inputs = { a: reshaped(a, [1, m, k]), b: reshaped(b, [1, k, b.shape[1] ?? 0]) };
  return run(backend, 'BatchMatMul', inputs, { transposeA: false, transposeB: false });
}

/** Rows or columns of zeros before and after. */
export type Margin = readonly [number, number];

/**
 * A depthwise convolution with stride 1. The backend packs a filter once for each tensor that holds it: never write into
 * one that has been used.
 */
export function depthwise(
  backend: BackendWasm,
  x: TensorInfo,
  filter: TensorInfo,
  { rows, columns, dilations }: { rows: Margin; columns: Margin; dilations: readonly [number, number] },
): TensorInfo {
  const pad = [[0, 0], [...rows], [...columns], [0, 0]];
  const attrs = { strides: [1, 1], dilations: [...dilations], pad, dimRoundingMode: 'floor' };
  return run(backend, 'DepthwiseConv2dNative', { x, filter }, attrs);
}

/** [rows, columns] → [columns, rows], in tiles that stay in the cache. */
export function transpose(source: Float32Array, target: Float32Array, rows: number, columns: number): void {
  const tile = 32;
  for (let r0 = 0; r0 < rows; r0 += tile) {
    const r1 = Math.min(rows, r0 + tile);
    for (let c0 = 0; c0 < columns; c0 += tile) {
      const c1 = Math.min(columns, c0 + tile);
      for (let c = c0; c < c1; c++) for (let r = r0; r < r1; r++) target[c * rows + r] = source[r * columns + c] ?? 0;
    }
  }
}
