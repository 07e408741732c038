import { KindredError } from '../../../core/errors.js';
import type { Activation, ConvolutionNode, DenseNode, Network, Node, Shape } from '../../../model/graph.js';
import { createOnnxBuilder, type OnnxBuilder } from '../../../model/onnx/builder.js';
import { onnxPads, scalar } from '../../../model/onnx/forward.js';
import { inferShapes, parameter } from '../../../model/shapes.js';
import { onnxKernel, parameterName, planes, valueName, valuesForBackward } from './forward-graph.js';

export const gradientName = (parameterOrOutput: string): string => `gradient:${parameterOrOutput}`;

interface Scope {
  readonly builder: OnnxBuilder;
  readonly network: Network;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly batch: number;
}

/** d · 1[the activation let the value through], read off its output y: 0 < y (< 6). */
function masked(builder: OnnxBuilder, gradient: string, node: Node, activation: Activation): string {
  if (activation === 'linear') return gradient;
  const y = valueName(node.name);
  const positive = builder.node('Greater', [y, scalar(builder, 0)]);
  const open =
    activation === 'relu' ? positive : builder.node('And', [positive, builder.node('Less', [y, scalar(builder, 6)])]);
  return builder.node('Where', [open, gradient, scalar(builder, 0)]);
}

/** [N, C, h, w] → [N·h·w, C] */
function rows(builder: OnnxBuilder, value: string, channels: number): string {
  const last = builder.node('Transpose', [value], { perm: [0, 2, 3, 1] });
  return builder.node('Reshape', [last, builder.integers([-1, channels])]);
}

/** The window positions past the kernel that a stride leaves over are cut off: [.., .., >= kh, >= kw] → [.., .., kh, kw]. */
function cropWindow(builder: OnnxBuilder, value: string, kh: number, kw: number): string {
  return builder.node('Slice', [value, builder.integers([0, 0]), builder.integers([kh, kw]), builder.integers([2, 3])]);
}

/**
 * ∂L/∂kernel. A 1×1 convolution is a matrix product over all positions; any other is itself a convolution of the input
 * with the gradient as its kernel, dilated by the stride, contracted over the batch.
 */
function kernelGradient({ builder, network, shapes, batch }: Scope, node: ConvolutionNode, gradient: string): string {
  const shape = shapes.get(node.inputs[0] ?? '') ?? [];
  const [outHeight = 0, outWidth = 0, outChannels = 0] = shapes.get(node.name) ?? [];
  const [height = 0, width = 0, channels = 0] = shape;
  const kernel = parameter(network, node.kernel).shape;
  const [kh = 1, kw = 1, , multiplier = 1] = kernel;
  const x = valueName(node.inputs[0] ?? '');
  const name = gradientName(node.kernel);
  const window = {
    dilations: [...node.strides],
    pads: onnxPads(shape, [kh, kw], node),
    kernel_shape: [outHeight, outWidth],
  };
  if (node.op === 'conv2d' && kh === 1 && kw === 1 && node.strides[0] === 1 && node.strides[1] === 1) {
    const product = builder.node('Gemm', [rows(builder, x, channels), rows(builder, gradient, outChannels)], {
      transA: 1,
    });
    return builder.node('Reshape', [product, builder.integers(kernel)], {}, name);
  }
  if (node.op === 'conv2d') {
    const swap = { perm: [1, 0, 2, 3] };
    const product = builder.node(
      'Conv',
      [builder.node('Transpose', [x], swap), builder.node('Transpose', [gradient], swap)],
      window,
    );
    return builder.node('Transpose', [cropWindow(builder, product, kh, kw)], { perm: [2, 3, 0, 1] }, name);
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
  const kernels = builder.node('Reshape', [gradient, builder.integers([groups, 1, outHeight, outWidth])]);
  const each = cropWindow(builder, builder.node('Conv', [images, kernels], { ...window, group: groups }), kh, kw);
  const perImage = builder.node('Reshape', [each, builder.integers([-1, channels, kh, kw])]);
  const sum = builder.node('ReduceSum', [perImage, builder.integers([0])], { keepdims: 0 });
  const moved = builder.node('Transpose', [sum], { perm: [1, 2, 0] });
  return builder.node('Reshape', [moved, builder.integers(kernel)], {}, name);
}

/** ∂L/∂input of a convolution. */
function inputGradient({ builder, network, shapes }: Scope, node: ConvolutionNode, gradient: string): string {
  const [height = 0, width = 0, channels = 0] = shapes.get(node.inputs[0] ?? '') ?? [];
  const [outHeight = 0, outWidth = 0] = shapes.get(node.name) ?? [];
  const [kh = 1, kw = 1] = parameter(network, node.kernel).shape;
  const [sh, sw] = node.strides;
  if (node.op === 'conv2d' && kh === 1 && kw === 1 && sh === 1 && sw === 1) {
    const turned = builder.node('Transpose', [parameterName(node.kernel)], { perm: [2, 3, 0, 1] });
    return builder.node('Conv', [gradient, turned], { kernel_shape: [1, 1] });
  }
  const pads = onnxPads([height, width], [kh, kw], node);
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
  return builder.node('ConvTranspose', [gradient, onnxKernel(builder, node, network)], attributes);
}

function denseGradients({ builder }: Scope, node: DenseNode, gradient: string): string {
  const x = valueName(node.inputs[0] ?? '');
  builder.node('Gemm', [x, gradient], { transA: 1 }, gradientName(node.kernel));
  return builder.node('Gemm', [gradient, parameterName(node.kernel)], { transB: 1 });
}

function biasGradient({ builder }: Scope, bias: string | null, gradient: string, axes: readonly number[]): void {
  if (bias === null) return;
  builder.node('ReduceSum', [gradient, builder.integers(axes)], { keepdims: 0 }, gradientName(bias));
}

/** Spreads [N, C] over [N, C, h, w]. */
function spread(builder: OnnxBuilder, value: string, shape: Shape): string {
  const [height = 0, width = 0, channels = 0] = shape;
  const corner = builder.node('Reshape', [value, builder.integers([-1, channels, 1, 1])]);
  return builder.node('Expand', [corner, builder.integers([1, channels, height, width])]);
}

/** Adds one node's gradients; returns those for its inputs, in their order. `isFirst`: nobody asks for them. */
function backwardNode(scope: Scope, node: Node, incoming: string, isFirst: boolean): string[] {
  const { builder, shapes } = scope;
  const shape = shapes.get(node.inputs[0] ?? '') ?? [];
  switch (node.op) {
    case 'conv2d':
    case 'depthwise': {
      const gradient = masked(builder, incoming, node, node.activation);
      kernelGradient(scope, node, gradient);
      biasGradient(scope, node.bias, gradient, [0, 2, 3]);
      return isFirst ? [] : [inputGradient(scope, node, gradient)];
    }
    case 'dense': {
      const gradient = masked(builder, incoming, node, node.activation);
      biasGradient(scope, node.bias, gradient, [0]);
      return [denseGradients(scope, node, gradient)];
    }
    case 'activation':
      return [masked(builder, incoming, node, node.activation)];
    case 'pad': {
      const [[top], [left]] = node.padding;
      const [height = 0, width = 0] = shape;
      const ends = builder.integers([top + height, left + width]);
      return [builder.node('Slice', [incoming, builder.integers([top, left]), ends, builder.integers([2, 3])])];
    }
    case 'add':
      return node.inputs.map(() => incoming);
    case 'concat': {
      let start = 0;
      return node.inputs.map((input) => {
        const from = start;
        start += shapes.get(input)?.at(-1) ?? 0;
        return builder.node('Slice', [
          incoming,
          builder.integers([from]),
          builder.integers([start]),
          builder.integers([1]),
        ]);
      });
    }
    case 'global-average-pool': {
      const count = (shape[0] ?? 1) * (shape[1] ?? 1);
      return [spread(builder, builder.node('Div', [incoming, scalar(builder, count)]), shape)];
    }
    case 'global-max-pool': {
      // Ties share the gradient, as in TF.
      const peak = spread(builder, valueName(node.name), shape);
      const isPeak = builder.node('Cast', [builder.node('Equal', [valueName(node.inputs[0] ?? ''), peak])], { to: 1 });
      const peaks = builder.node('ReduceSum', [isPeak, builder.integers([2, 3])], { keepdims: 0 });
      return [builder.node('Mul', [spread(builder, builder.node('Div', [incoming, peaks]), shape), isPeak])];
    }
    case 'max-pool':
    case 'average-pool':
    case 'l2-normalize':
      throw new KindredError(
        'backbone-unsupported',
        `the onnx backend cannot train through ${node.name} (${node.op})`,
        {
          hint: 'Start after it with --train-from.',
        },
      );
  }
}

/**
 * The gradient of the learning part: takes the values of the forward pass, the parameters and `gradient:<output>`
 * [N, D], and gives `gradient:<parameter>` for every parameter. Made for one batch size.
 */
export function buildBackward(network: Network, batch: number): Uint8Array {
  const builder = createOnnxBuilder('backward');
  const shapes = inferShapes(network);
  const scope: Scope = { builder, network, shapes, batch };
  for (const name of valuesForBackward(network)) builder.input(valueName(name), planes(shapes.get(name) ?? []));
  for (const [name, { shape }] of network.parameters) builder.input(parameterName(name), shape);
  const incoming = new Map<string, string[]>();
  incoming.set(network.output, [builder.input(gradientName(network.output), planes(shapes.get(network.output) ?? []))]);
  for (const node of network.nodes.toReversed()) {
    const [first, ...others] = incoming.get(node.name) ?? [];
    if (first === undefined) continue;
    const total = others.reduce((sum, part) => builder.node('Add', [sum, part]), first);
    const isFirst = node.inputs.every((input) => input === 'input');
    backwardNode(scope, node, total, isFirst).forEach((gradient, i) => {
      const input = node.inputs[i] ?? '';
      incoming.set(input, [...(incoming.get(input) ?? []), gradient]);
    });
  }
  for (const [name, { shape }] of network.parameters) builder.output(gradientName(name), shape);
  return builder.finish();
}
