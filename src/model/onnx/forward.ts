import type { Activation, ConvolutionNode, Network, Node, Parameter, Shape } from '../graph.js';
import { windowing } from '../graph.js';
import { inferShapes, parameter } from '../shapes.js';
import type { OnnxBuilder } from './builder.js';

/**
 * Reorders a convolution kernel from [kh, kw, in, out] to ONNX's [out, in, kh, kw], and a depthwise one from
 * [kh, kw, channels, multiplier] to [channels · multiplier, 1, kh, kw].
 */
export function toOnnxKernel(op: 'conv2d' | 'depthwise', kernel: Parameter): Parameter {
  const [kh = 1, kw = 1, third = 1, fourth = 1] = kernel.shape;
  const depthwise = op === 'depthwise';
  const [outer, inner] = depthwise ? [third * fourth, 1] : [fourth, third];
  const data = new Float32Array(kernel.data.length);
  const window = kh * kw;
  for (let position = 0; position < window; position++) {
    for (let i = 0; i < inner; i++) {
      for (let o = 0; o < outer; o++) {
        const from = depthwise ? position * outer + o : (position * inner + i) * outer + o;
        data[(o * inner + i) * window + position] = kernel.data[from] ?? 0;
      }
    }
  }
  return { shape: [outer, inner, kh, kw], data };
}

/** Zeros that TF's padding adds around a window operation, as ONNX's pads [top, left, bottom, right]. */
export function onnxPads(
  shape: Shape,
  kernel: readonly [number, number],
  node: Pick<ConvolutionNode, 'strides' | 'padding'>,
): number[] {
  const rows = windowing(shape[0] ?? 0, kernel[0], node.strides[0], node.padding);
  const columns = windowing(shape[1] ?? 0, kernel[1], node.strides[1], node.padding);
  return [rows.before, columns.before, rows.after, columns.after];
}

export function addActivation(builder: OnnxBuilder, value: string, activation: Activation): string {
  if (activation === 'relu') return builder.node('Relu', [value]);
  if (activation === 'relu6') {
    return builder.node('Clip', [value, scalar(builder, 0), scalar(builder, 6)]);
  }
  return value;
}

export function scalar(builder: OnnxBuilder, value: number): string {
  return builder.constant(Float32Array.of(value), []);
}

/** Unit length along the last axis of [N, D]. */
export function addL2Normalize(builder: OnnxBuilder, value: string): string {
  const length = builder.node('ReduceL2', [value], { axes: [1], keepdims: 1 });
  return builder.node('Div', [value, builder.node('Max', [length, scalar(builder, 1e-12)])]);
}

/** Where a graph takes its weights from: constants in an export, inputs where they are trained. */
export interface OnnxWeights {
  /** A convolution's kernel, [out, in, kh, kw]. */
  kernel(node: ConvolutionNode): string;
  /** Any other parameter, as it is. */
  plain(name: string): string;
}

export function constantWeights(builder: OnnxBuilder, network: Network): OnnxWeights {
  return {
    kernel(node) {
      const kernel = toOnnxKernel(node.op, parameter(network, node.kernel));
      return builder.constant(kernel.data, kernel.shape);
    },
    plain(name) {
      const { data, shape } = parameter(network, name);
      return builder.constant(data, shape);
    },
  };
}

/** Adds one node's forward pass. `shape`: of its first input. Returns the name of its value. */
export function addNode(
  builder: OnnxBuilder,
  node: Node,
  inputs: readonly string[],
  shape: Shape,
  network: Network,
  weights: OnnxWeights,
): string {
  const [value = ''] = inputs;
  switch (node.op) {
    case 'conv2d':
    case 'depthwise': {
      const [kh = 1, kw = 1] = parameter(network, node.kernel).shape;
      const from = [value, weights.kernel(node)];
      if (node.bias !== null) from.push(weights.plain(node.bias));
      const group = node.op === 'depthwise' ? (shape[2] ?? 1) : 1;
      const pads = onnxPads(shape, [kh, kw], node);
      const attributes = { kernel_shape: [kh, kw], strides: [...node.strides], pads, group };
      return addActivation(builder, builder.node('Conv', from, attributes), node.activation);
    }
    case 'dense': {
      const from = [value, weights.plain(node.kernel)];
      if (node.bias !== null) from.push(weights.plain(node.bias));
      return addActivation(builder, builder.node('Gemm', from), node.activation);
    }
    case 'activation':
      return node.activation === 'linear'
        ? builder.node('Identity', [value])
        : addActivation(builder, value, node.activation);
    case 'pad': {
      const [[top, bottom], [left, right]] = node.padding;
      return builder.node('Pad', [value, builder.integers([0, 0, top, left, 0, 0, bottom, right])]);
    }
    case 'max-pool':
    case 'average-pool': {
      const attributes = {
        kernel_shape: [...node.size],
        strides: [...node.strides],
        pads: onnxPads(shape, [...node.size], node),
      };
      return builder.node(node.op === 'max-pool' ? 'MaxPool' : 'AveragePool', [value], attributes);
    }
    case 'global-average-pool':
    case 'global-max-pool':
      // [N, C, h, w] → [N, C]
      return builder.node(node.op === 'global-max-pool' ? 'ReduceMax' : 'ReduceMean', [value], {
        axes: [2, 3],
        keepdims: 0,
      });
    case 'add':
      return inputs.slice(1).reduce((sum, input) => builder.node('Add', [sum, input]), value);
    case 'concat':
      return builder.node('Concat', inputs, { axis: 1 });
    case 'l2-normalize':
      return addL2Normalize(builder, value);
  }
}

/**
 * Adds a network's nodes, reading `input` (NCHW, float32). Returns the name of its output (NCHW or [N, C]); `values` is
 * given the name of every node's.
 */
export function addNetwork(
  builder: OnnxBuilder,
  network: Network,
  input: string,
  values = new Map<string, string>(),
): string {
  const shapes = inferShapes(network);
  const weights = constantWeights(builder, network);
  values.set('input', input);
  for (const node of network.nodes) {
    const inputs = node.inputs.map((name) => values.get(name) ?? '');
    const shape = shapes.get(node.inputs[0] ?? '') ?? [];
    values.set(node.name, addNode(builder, node, inputs, shape, network, weights));
  }
  return values.get(network.output) ?? input;
}
