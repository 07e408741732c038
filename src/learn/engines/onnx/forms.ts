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
}

export interface Forms {
  /** Channels in a block; 0: this machine has no blocked kernels. */
  readonly block: number;
  value(shape: Shape, form: Form, name: string): FormedValue;
  /** The name of the value in that form; the conversion is added to the graph once. */
  as(value: FormedValue, form: Form): string;
}

export function createForms(builder: OnnxBuilder, block: number): Forms {
  /** Swaps the two middle axes of a reshaped value, which moves whole blocks of channels. */
  const swapped = (name: string, four: readonly number[], target: readonly number[]): string => {
    const reshaped = builder.node('Reshape', [name, builder.integers(four)]);
    const moved = builder.node('Transpose', [reshaped], { perm: [0, 2, 1, 3] });
    return builder.node('Reshape', [moved, builder.integers(target)]);
  };
  const convert = (name: string, from: Form, to: Form, [h = 1, w = 1, c = 1]: Shape): string => {
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
    return from === 'rows'
      ? swapped(name, [-1, h * w, c / block, block], [-1, c, h, w])
      : swapped(name, [-1, c / block, h * w, block], [-1, c]);
  };
  return {
    block,
    value: (shape, form, name) => ({ shape, names: new Map([[form, name]]) }),
    as(value, form) {
      const known = value.names.get(form);
      if (known !== undefined) return known;
      const [[from, name] = ['rows', ''] satisfies [Form, string]] = value.names;
      const converted = value.shape.length === 1 ? name : convert(name, from, form, value.shape);
      value.names.set(form, converted);
      return converted;
    },
  };
}

/** The declared dimensions of a value in a form, for graph inputs and outputs. */
export function dimensions(shape: Shape, form: Form): (number | string)[] {
  const [h = 0, w = 0, c = 0] = shape;
  if (shape.length === 1) return ['N', h];
  return form === 'rows' ? ['M', c] : ['N', c, h, w];
}
