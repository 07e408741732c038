import type { Activation, Network, Node, Shape } from '../../../model/graph.js';
import { parametersOf } from '../../../model/graph.js';
import { createOnnxBuilder, type OnnxBuilder } from '../../../model/onnx/builder.js';
import { addActivation, onnxPads } from '../../../model/onnx/forward.js';
import { inferShapes, parameter } from '../../../model/shapes.js';

/** ONNX name of a value and of a parameter; node names may hold characters that other tools dislike. */
export const valueName = (node: string): string => `value:${node}`;
export const parameterName = (name: string): string => `parameter:${name}`;

/** [N, c, h, w] or [N, c] for a shape [h, w, c] or [c]. */
export function planes(shape: Shape): (number | string)[] {
  const [h = 0, w = 0, c = 0] = shape;
  return shape.length === 1 ? ['N', h] : ['N', c, h, w];
}

/** A kernel in TF's layout as ONNX wants it: [out, in, kh, kw], depthwise [channels · multiplier, 1, kh, kw]. */
export function onnxKernel(
  builder: OnnxBuilder,
  node: Node & { op: 'conv2d' | 'depthwise' },
  network: Network,
): string {
  const [kh = 1, kw = 1, third = 1, fourth = 1] = parameter(network, node.kernel).shape;
  const name = parameterName(node.kernel);
  if (node.op === 'conv2d') return builder.node('Transpose', [name], { perm: [3, 2, 0, 1] });
  const moved = builder.node('Transpose', [name], { perm: [2, 3, 0, 1] });
  return builder.node('Reshape', [moved, builder.integers([third * fourth, 1, kh, kw])]);
}

function forwardNode(builder: OnnxBuilder, node: Node, shape: Shape, network: Network): string {
  const inputs = node.inputs.map(valueName);
  const [value = ''] = inputs;
  const activated = (result: string, activation: Activation): string => addActivation(builder, result, activation);
  switch (node.op) {
    case 'conv2d':
    case 'depthwise': {
      const [kh = 1, kw = 1] = parameter(network, node.kernel).shape;
      const from = [value, onnxKernel(builder, node, network)];
      if (node.bias !== null) from.push(parameterName(node.bias));
      const attributes = {
        kernel_shape: [kh, kw],
        strides: [...node.strides],
        pads: onnxPads(shape, [kh, kw], node),
        group: node.op === 'depthwise' ? (shape[2] ?? 1) : 1,
      };
      return activated(builder.node('Conv', from, attributes), node.activation);
    }
    case 'dense': {
      const from = [value, parameterName(node.kernel)];
      if (node.bias !== null) from.push(parameterName(node.bias));
      return activated(builder.node('Gemm', from), node.activation);
    }
    case 'activation':
      return activated(value, node.activation);
    case 'pad': {
      const [[top, bottom], [left, right]] = node.padding;
      return builder.node('Pad', [value, builder.integers([0, 0, top, left, 0, 0, bottom, right])]);
    }
    case 'max-pool':
    case 'average-pool': {
      const attributes = {
        kernel_shape: [...node.size],
        strides: [...node.strides],
        pads: onnxPads(shape, node.size, node),
      };
      return builder.node(node.op === 'max-pool' ? 'MaxPool' : 'AveragePool', [value], attributes);
    }
    case 'global-average-pool':
      return builder.node('ReduceMean', [value], { axes: [2, 3], keepdims: 0 });
    case 'global-max-pool':
      return builder.node('ReduceMax', [value], { axes: [2, 3], keepdims: 0 });
    case 'add':
      return inputs.slice(1).reduce((sum, input) => builder.node('Add', [sum, input]), value);
    case 'concat':
      return builder.node('Concat', inputs, { axis: 1 });
    case 'l2-normalize':
      throw new Error('the loss normalises; the learning part ends before it');
  }
}

/**
 * The learning part with its parameters as inputs. Besides the embedding it gives the values that the backward graph
 * needs, under the same names that graph takes them by.
 */
export function buildForward(network: Network, outputs: readonly string[]): Uint8Array {
  const builder = createOnnxBuilder('forward');
  const shapes = inferShapes(network);
  builder.input(valueName('input'), planes(network.inputShape));
  for (const [name, { shape }] of network.parameters) builder.input(parameterName(name), shape);
  for (const node of network.nodes) {
    const result = forwardNode(builder, node, shapes.get(node.inputs[0] ?? '') ?? [], network);
    builder.node('Identity', [result], {}, valueName(node.name));
  }
  for (const name of outputs) builder.output(valueName(name), planes(shapes.get(name) ?? []));
  return builder.finish();
}

/** The values that the gradient of each node reads: its input where the kernel learns, its output for the mask. */
export function valuesForBackward(network: Network): string[] {
  const needed = new Set<string>();
  for (const node of network.nodes) {
    if (parametersOf(node).length > 0 || node.op === 'global-max-pool')
      for (const input of node.inputs) needed.add(input);
    if ('activation' in node && node.activation !== 'linear') needed.add(node.name);
    if (node.op === 'global-max-pool') needed.add(node.name);
  }
  return [...needed];
}
