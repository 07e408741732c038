import type { ConvolutionNode, Network, Shape } from '../../../model/graph.js';
import { parametersOf } from '../../../model/graph.js';
import { createOnnxBuilder, type OnnxBuilder } from '../../../model/onnx/builder.js';
import { addNode, type OnnxWeights } from '../../../model/onnx/forward.js';
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
export function onnxKernel(builder: OnnxBuilder, node: ConvolutionNode, network: Network): string {
  const [kh = 1, kw = 1, third = 1, fourth = 1] = parameter(network, node.kernel).shape;
  const name = parameterName(node.kernel);
  if (node.op === 'conv2d') return builder.node('Transpose', [name], { perm: [3, 2, 0, 1] });
  const moved = builder.node('Transpose', [name], { perm: [2, 3, 0, 1] });
  return builder.node('Reshape', [moved, builder.integers([third * fourth, 1, kh, kw])]);
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
  const weights: OnnxWeights = { kernel: (node) => onnxKernel(builder, node, network), plain: parameterName };
  for (const node of network.nodes) {
    const shape = shapes.get(node.inputs[0] ?? '') ?? [];
    const result = addNode(builder, node, node.inputs.map(valueName), shape, network, weights);
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
