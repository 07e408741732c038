import type { ConvolutionNode, Shape } from '../../../model/graph.js';
import { onnxPads } from '../../../model/onnx/forward.js';
import { parameter } from '../../../model/shapes.js';
import { blockedDomain, type FormedValue } from './forms.js';
import { parameterName } from './names.js';
import type { GraphScope } from './plan.js';
import { slice } from './slice.js';

/*
 * Depthwise convolutions (multiplier 1) and their gradients by ONNX Runtime's blocked kernel, which is made for exported
 * models but takes computed weights too: [channels / block, kh, kw, block]. One rule serves all three passes, because
 * each gradient of a depthwise convolution is one itself.
 */

const activations = {
  linear: {},
  relu: { activation: 'Relu' },
  relu6: { activation: 'Clip', activation_params: { floats: [0, 6] } },
} as const;

/** TF's [kh, kw, c, 1] as the kernel wants it, mirrored in both directions where asked. */
function blockedKernel({ builder, plan }: GraphScope, node: ConvolutionNode, mirrored: boolean): string {
  const [kh = 1, kw = 1, channels = 1] = parameter(plan.network, node.kernel).shape;
  const { block } = plan;
  const flat = builder.integers([kh * kw, channels / block, block]);
  let taps = builder.node('Reshape', [parameterName(node.kernel), flat]);
  if (mirrored) {
    taps = slice(builder, taps, { axes: [0], from: [-1], to: [-(kh * kw) - 1], steps: [-1] });
  }
  const moved = builder.node('Transpose', [taps], { perm: [1, 0, 2] });
  return builder.node('Reshape', [moved, builder.integers([channels, 1, kh, kw])]);
}

/** The forward pass, with bias and activation in the same kernel. */
export function depthwiseForward(scope: GraphScope, node: ConvolutionNode, input: FormedValue): FormedValue {
  const { builder, forms, plan } = scope;
  const [kh = 1, kw = 1, channels = 1] = parameter(plan.network, node.kernel).shape;
  const from = [forms.as(input, 'blocked'), blockedKernel(scope, node, false)];
  if (node.bias !== null) from.push(parameterName(node.bias));
  const attributes = {
    kernel_shape: [kh, kw],
    strides: [...node.strides],
    dilations: [1, 1],
    pads: onnxPads(input.shape, [kh, kw], node),
    group: channels,
    ...activations[node.activation],
  };
  return forms.value(
    plan.shape(node.name),
    'blocked',
    builder.node('Conv', from, attributes, undefined, blockedDomain),
  );
}

/**
 * ∂L/∂kernel [kh, kw, c, 1]: for each picture the input is convolved with the gradient as its kernel, dilated by the
 * stride, then summed over the batch. Pictures and channels are channels alike here; no value moves for that.
 */
export function depthwiseKernelGradient(
  { builder, forms, plan }: GraphScope,
  node: ConvolutionNode,
  input: FormedValue,
  gradient: FormedValue,
  batch: number,
): string {
  const { shape: kernel } = parameter(plan.network, node.kernel);
  const [kh = 1, kw = 1, channels = 1] = kernel;
  const [height = 1, width = 1] = input.shape;
  const [outHeight = 1, outWidth = 1] = gradient.shape;
  const { block } = plan;
  const groups = batch * channels;
  const pads = onnxPads(input.shape, [kh, kw], node);
  const [top = 0, left = 0, bottom = 0, right = 0] = pads;
  const pictures = builder.node('Reshape', [forms.as(input, 'blocked'), builder.integers([1, groups, height, width])]);
  const kernels = builder.node('Reshape', [
    forms.as(gradient, 'blocked'),
    builder.integers([groups, 1, outHeight, outWidth]),
  ]);
  const attributes = {
    kernel_shape: [outHeight, outWidth],
    strides: [1, 1],
    dilations: [...node.strides],
    pads,
    group: groups,
  };
  const each = builder.node('Conv', [pictures, kernels], attributes, undefined, blockedDomain);
  // A stride can leave window positions past the kernel.
  const foundHeight = height + top + bottom - (outHeight - 1) * node.strides[0];
  const foundWidth = width + left + right - (outWidth - 1) * node.strides[1];
  let perPicture = builder.node('Reshape', [
    each,
    builder.integers([batch, channels / block, foundHeight, foundWidth, block]),
  ]);
  if (foundHeight > kh || foundWidth > kw) {
    perPicture = slice(builder, perPicture, { axes: [2, 3], from: [0, 0], to: [kh, kw] });
  }
  const sum = builder.node('ReduceSum', [perPicture, builder.integers([0])], { keepdims: 0 });
  const taps = builder.node('Reshape', [sum, builder.integers([channels / block, kh * kw, block])]);
  const moved = builder.node('Transpose', [taps], { perm: [1, 0, 2] });
  return builder.node('Reshape', [moved, builder.integers(kernel)]);
}

/** Puts `stride` − 1 zeros after every position, so that a strided convolution's gradient is a plain one. */
function spreadOut({ builder, plan }: GraphScope, name: string, shape: Shape, strides: readonly number[]): string {
  const [height = 1, width = 1, channels = 1] = shape;
  const [sh = 1, sw = 1] = strides;
  if (sh === 1 && sw === 1) return name;
  const apart = builder.node('Reshape', [name, builder.integers([-1, height, 1, width, 1, plan.block])]);
  const padded = builder.node('Pad', [apart, builder.integers([0, 0, 0, 0, 0, 0, 0, 0, sh - 1, 0, sw - 1, 0])]);
  return builder.node('Reshape', [padded, builder.integers([-1, channels, height * sh, width * sw])]);
}

/** ∂L/∂input [N, h, w, c]: the gradient, spread out by the stride, convolved with the mirrored kernel. */
export function depthwiseInputGradient(scope: GraphScope, node: ConvolutionNode, gradient: FormedValue): FormedValue {
  const { builder, forms, plan } = scope;
  const [kh = 1, kw = 1, channels = 1] = parameter(plan.network, node.kernel).shape;
  const shape = plan.shape(node.inputs[0] ?? '');
  const [height = 1, width = 1] = shape;
  const [outHeight = 1, outWidth = 1] = gradient.shape;
  const [sh, sw] = node.strides;
  const [top = 0, left = 0] = onnxPads(shape, [kh, kw], node);
  const [before, across] = [kh - 1 - top, kw - 1 - left];
  // Room that the last window leaves at the end; where it is negative, the zeros behind the last position are cut off.
  const [below, right] = [height - outHeight * sh + top, width - outWidth * sw + left];
  let wide = spreadOut(scope, forms.as(gradient, 'blocked'), gradient.shape, node.strides);
  if (below < 0 || right < 0) {
    const five = builder.node('Reshape', [wide, builder.integers([-1, outHeight * sh, outWidth * sw, plan.block])]);
    const ends = [outHeight * sh + Math.min(0, below), outWidth * sw + Math.min(0, right)];
    const cut = slice(builder, five, { axes: [1, 2], from: [0, 0], to: ends });
    wide = builder.node('Reshape', [cut, builder.integers([-1, channels, ...ends])]);
  }
  const attributes = {
    kernel_shape: [kh, kw],
    strides: [1, 1],
    dilations: [1, 1],
    pads: [before, across, Math.max(0, below), Math.max(0, right)],
    group: channels,
  };
  const from = [wide, blockedKernel(scope, node, true)];
  return forms.value(shape, 'blocked', builder.node('Conv', from, attributes, undefined, blockedDomain));
}
