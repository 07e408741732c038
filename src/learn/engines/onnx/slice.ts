import type { OnnxBuilder } from '../../../model/onnx/builder.js';

export interface SliceOptions {
  readonly axes: readonly number[];
  readonly from: readonly number[];
  readonly to: readonly number[];
  /** Default: 1 along each axis. */
  readonly steps?: readonly number[];
}

/** The part [from, to) of a value along some axes. */
export function slice(builder: OnnxBuilder, value: string, { axes, from, to, steps }: SliceOptions): string {
  const places = [from, to, axes, ...(steps ? [steps] : [])].map((values) => builder.integers(values));
  return builder.node('Slice', [value, ...places]);
}
