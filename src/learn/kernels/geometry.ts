import { backend_util, type NamedAttrMap } from '@tensorflow/tfjs-core';
import { KindredError } from '../../core/errors.js';

/** Sizes of one 2-D convolution over NHWC tensors, as TF.js computes them. */
export interface Geometry {
  readonly batch: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly kh: number;
  readonly kw: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly top: number;
  readonly left: number;
  /** Depthwise: outputs per input channel. */
  readonly multiplier: number;
}

type Quad = [number, number, number, number];

function quad(shape: readonly number[]): Quad {
  const [a = 0, b = 0, c = 0, d = 0] = shape;
  return [a, b, c, d];
}

function pairOf(value: unknown, fallback: number): [number, number] {
  if (typeof value === 'number') return [value, value];
  if (Array.isArray(value)) {
    const sides: unknown[] = value;
    const [a, b] = sides;
    if (typeof a === 'number' && typeof b === 'number') return [a, b];
  }
  return [fallback, fallback];
}

type PadArgument = Parameters<typeof backend_util.computeConv2DInfo>[4];

function padOf(value: unknown): PadArgument {
  if (value === 'same' || value === 'valid' || typeof value === 'number') return value;
  if (Array.isArray(value)) {
    const pairs: unknown[] = value;
    const [, rows, columns] = pairs;
    return [[0, 0], pairOf(rows, 0), pairOf(columns, 0), [0, 0]];
  }
  throw new KindredError('internal', 'a convolution without a padding');
}

export function geometryOf(
  inShape: readonly number[],
  kernelShape: readonly number[],
  attrs: NamedAttrMap | undefined,
  depthwise: boolean,
): Geometry {
  const info = backend_util.computeConv2DInfo(
    quad(inShape),
    quad(kernelShape),
    pairOf(attrs?.['strides'], 1),
    pairOf(attrs?.['dilations'], 1),
    padOf(attrs?.['pad']),
    undefined,
    depthwise,
  );
  if (info.dilationHeight !== 1 || info.dilationWidth !== 1) {
    throw new KindredError('backbone-unsupported', 'dilated convolutions cannot be trained');
  }
  return {
    batch: info.batchSize,
    inHeight: info.inHeight,
    inWidth: info.inWidth,
    inChannels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    outChannels: info.outChannels,
    kh: info.filterHeight,
    kw: info.filterWidth,
    strideHeight: info.strideHeight,
    strideWidth: info.strideWidth,
    top: info.padInfo.top,
    left: info.padInfo.left,
    multiplier: depthwise ? info.outChannels / info.inChannels : 1,
  };
}

export function shapeAttribute(attrs: NamedAttrMap | undefined, name: string): number[] {
  const value = attrs?.[name];
  const sides: unknown[] = Array.isArray(value) ? value : [];
  return sides.map((side) => (typeof side === 'number' ? side : 0));
}

/** True where a convolution is a plain matrix product over all positions. */
export function isPointwise(g: Geometry): boolean {
  return g.kh === 1 && g.kw === 1 && g.strideHeight === 1 && g.strideWidth === 1 && g.top === 0 && g.left === 0;
}
