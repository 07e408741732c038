import type { Shape } from '../../../model/graph.js';
import type { OnnxBuilder } from '../../../model/onnx/builder.js';

/**
 * How the values of [N, h, w, c] lie in memory: `rows` [N·h·w, c], which a matrix product takes as it is; `planes`
 * [N, c, h, w], ONNX's own; `blocked`, ONNX Runtime's NCHWc [N, c / block, h, w, block], which its depthwise kernels are
 * made for. A pooled value [N, c] is the same in each.
 */
export type Form = 'rows' | 'planes' | 'blocked';

/** ONNX Runtime's operators over blocked values. */
export const blockedDomain = 'com.microsoft.nchwc';

/** One value of the graph under each form that somebody has asked for. */
export interface FormedValue {
  readonly shape: Shape;
  readonly names: Map<Form, string>;
  /** What a swap between rows and blocks gave before its last reshaping, which would cost a copy at a graph's end. */
  readonly unshaped: Map<Form, string>;
}

export interface Forms {
  value(shape: Shape, form: Form, name: string): FormedValue;
  /** A value that came as a swap between rows and blocks left it. */
  reshaped(shape: Shape, form: Form, name: string): FormedValue;
  /** The name of the value in that form; the conversion is added to the graph once. */
  as(value: FormedValue, form: Form): string;
}

/** How a swap between rows and blocks reads or leaves a value: two axes of places and blocks of channels. */
export function swapDimensions<Batch>(
  [h = 1, w = 1, c = 1]: Shape,
  form: Form,
  block: number,
  batch: Batch,
): (number | Batch)[] {
  return form === 'rows' ? [batch, h * w, c / block, block] : [batch, c / block, h * w, block];
}

/** @param block channels in a block; 0: this machine has no blocked kernels, and nobody asks for that form */
export function createForms(builder: OnnxBuilder, block: number): Forms {
  /** Swaps the two middle axes of a reshaped value, which moves whole blocks of channels. */
  const swapped = (value: FormedValue, name: string, to: Form): string => {
    const from = to === 'rows' ? 'blocked' : 'rows';
    const reshaped = builder.node('Reshape', [name, builder.integers(swapDimensions(value.shape, from, block, -1))]);
    const moved = builder.node('Transpose', [reshaped], { perm: [0, 2, 1, 3] });
    value.unshaped.set(to, moved);
    return shaped(value.shape, to, moved);
  };
  const shaped = ([h = 1, w = 1, c = 1]: Shape, form: Form, name: string): string =>
    builder.node('Reshape', [name, builder.integers(form === 'rows' ? [-1, c] : [-1, c, h, w])]);
  const convert = (value: FormedValue, name: string, from: Form, to: Form): string => {
    const [h = 1, w = 1, c = 1] = value.shape;
    if (from === 'rows' && to === 'planes') {
      const pictures = builder.node('Reshape', [name, builder.integers([-1, h, w, c])]);
      return builder.node('Transpose', [pictures], { perm: [0, 3, 1, 2] });
    }
    if (from === 'planes' && to === 'rows') {
      const last = builder.node('Transpose', [name], { perm: [0, 2, 3, 1] });
      return builder.node('Reshape', [last, builder.integers([-1, c])]);
    }
    if (from === 'planes') return builder.node('ReorderInput', [name], {}, undefined, blockedDomain);
    if (to === 'planes') return builder.node('ReorderOutput', [name], { channels: c }, undefined, blockedDomain);
    return swapped(value, name, to);
  };
  return {
    value: (shape, form, name) => ({ shape, names: new Map([[form, name]]), unshaped: new Map() }),
    reshaped: (shape, form, name) => ({
      shape,
      names: new Map([[form, shaped(shape, form, name)]]),
      unshaped: new Map([[form, name]]),
    }),
    as(value, form) {
      const known = value.names.get(form);
      if (known !== undefined) return known;
      const [[from, name] = ['rows', ''] satisfies [Form, string]] = value.names;
      const converted = value.shape.length === 1 ? name : convert(value, name, from, form);
      value.names.set(form, converted);
      return converted;
    },
  };
}
