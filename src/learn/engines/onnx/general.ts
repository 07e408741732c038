import { KindredError } from '../../../core/errors.js';
import type { ConvolutionNode, Network } from '../../../model/graph.js';
import type { OnnxBuilder } from '../../../model/onnx/builder.js';
import { onnxPads } from '../../../model/onnx/forward.js';
import { parameter } from '../../../model/shapes.js';
import type { GraphScope } from './plan.js';
import { slice } from './slice.js';
import type { FormedValue } from './forms.js';
import { parameterName } from './names.js';

/*
 * The gradients of every other convolution, in ONNX's own operators over [N, c, h, w].
 */

/** A kernel in TF's layout as ONNX wants it: [out, in, kh, kw], depthwise [channels · multiplier, 1, kh, kw]. */
export function onnxKernel(builder: OnnxBuilder, node: ConvolutionNode, network: Network): string {
  const [kh = 1, kw = 1, third = 1, fourth = 1] = parameter(network, node.kernel).shape;
  const name = parameterName(node.kernel);
  if (node.op === 'conv2d') return builder.node('Transpose', [name], { perm: [3, 2, 0, 1] });
  const moved = builder.node('Transpose', [name], { perm: [2, 3, 0, 1] });
  return builder.node('Reshape', [moved, builder.integers([third * fourth, 1, kh, kw])]);
}

/** The window positions past the kernel that a stride leaves over are cut off: [.., .., >= kh, >= kw] → [.., .., kh, kw]. */
function cropWindow(builder: OnnxBuilder, value: string, kh: number, kw: number): string {
  return slice(builder, value, { axes: [2, 3], from: [0, 0], to: [kh, kw] });
}

/**
 * ∂L/∂kernel: a convolution of the input with the gradient as its kernel, dilated by the stride, contracted over the
 * batch.
 */
export function generalKernelGradient(
  { builder, forms, plan }: GraphScope,
  node: ConvolutionNode,
  input: FormedValue,
  gradient: FormedValue,
  batch: number,
): string {
  const [outHeight = 0, outWidth = 0] = gradient.shape;
  const [height = 0, width = 0, channels = 0] = input.shape;
  const { shape: kernel } = parameter(plan.network, node.kernel);
  const [kh = 1, kw = 1, , multiplier = 1] = kernel;
  const [x, d] = [forms.as(input, 'planes'), forms.as(gradient, 'planes')];
  const window = {
    dilations: [...node.strides],
    pads: onnxPads(input.shape, [kh, kw], node),
    kernel_shape: [outHeight, outWidth],
  };
  if (node.op === 'conv2d') {
    const swap = { perm: [1, 0, 2, 3] };
    const product = builder.node(
      'Conv',
      [builder.node('Transpose', [x], swap), builder.node('Transpose', [d], swap)],
      window,
    );
    return builder.node('Transpose', [cropWindow(builder, product, kh, kw)], { perm: [2, 3, 0, 1] });
  }
  if (multiplier !== 1) {
    throw new KindredError(
      'backbone-unsupported',
      `the onnx backend cannot train ${node.name}: its depth multiplier is ${multiplier}`,
      {
        hint: 'Use --backend wasm, or start after it with --train-from.',
      },
    );
  }
  // Every (image, channel) is a group of its own: as many small correlations, then a sum over the batch. ONNX wants the
  // number of groups written down, which is why a backward graph is made for one batch size.
  const groups = batch * channels;
  const images = builder.node('Reshape', [x, builder.integers([1, groups, height, width])]);
  const kernels = builder.node('Reshape', [d, builder.integers([groups, 1, outHeight, outWidth])]);
  const each = cropWindow(builder, builder.node('Conv', [images, kernels], { ...window, group: groups }), kh, kw);
  const perImage = builder.node('Reshape', [each, builder.integers([-1, channels, kh, kw])]);
  const sum = builder.node('ReduceSum', [perImage, builder.integers([0])], { keepdims: 0 });
  const moved = builder.node('Transpose', [sum], { perm: [1, 2, 0] });
  return builder.node('Reshape', [moved, builder.integers(kernel)]);
}

/** ∂L/∂input: the transposed convolution of the gradient. */
export function generalInputGradient(
  { builder, forms, plan }: GraphScope,
  node: ConvolutionNode,
  gradient: FormedValue,
): FormedValue {
  const shape = plan.shape(node.inputs[0] ?? '');
  const [height = 0, width = 0, channels = 0] = shape;
  const [outHeight = 0, outWidth = 0] = gradient.shape;
  const [kh = 1, kw = 1] = parameter(plan.network, node.kernel).shape;
  const [sh, sw] = node.strides;
  const pads = onnxPads(shape, [kh, kw], node);
  const [top = 0, left = 0, bottom = 0, right = 0] = pads;
  const attributes = {
    kernel_shape: [kh, kw],
    strides: [sh, sw],
    pads,
    output_padding: [
      height - ((outHeight - 1) * sh - top - bottom + kh),
      width - ((outWidth - 1) * sw - left - right + kw),
    ],
    group: node.op === 'depthwise' ? channels : 1,
  };
  const from = [forms.as(gradient, 'planes'), onnxKernel(builder, node, plan.network)];
  return forms.value(shape, 'planes', builder.node('ConvTranspose', from, attributes));
}
