import { KindredError } from '../../core/errors.js';
import type { ConvolutionNode, DenseNode, Node, Parameter } from '../graph.js';

interface BatchNormNode {
  readonly op: 'batch-norm';
  readonly name: string;
  readonly inputs: readonly string[];
  readonly layers: readonly string[];
  readonly epsilon: number;
}
export type RawNode = Node | BatchNormNode;

type Weights = ReadonlyMap<string, Parameter>;

function weight(weights: Weights, name: string): Parameter {
  const found = weights.get(name);
  if (!found) throw new KindredError('backbone-unsupported', `the model's weights lack ${name}`);
  return found;
}

/** y = x · scale + shift, channel by channel: what a frozen batch normalisation does. */
function affineOf(node: BatchNormNode, weights: Weights): { scale: Float32Array; shift: Float32Array } {
  const mean = weight(weights, `${node.name}/moving_mean`).data;
  const variance = weight(weights, `${node.name}/moving_variance`).data;
  const gamma = weights.get(`${node.name}/gamma`)?.data;
  const beta = weights.get(`${node.name}/beta`)?.data;
  const scale = variance.map((value, c) => (gamma?.[c] ?? 1) / Math.sqrt(value + node.epsilon));
  const shift = scale.map((value, c) => (beta?.[c] ?? 0) - (mean[c] ?? 0) * value);
  return { scale, shift };
}

function scaledKernel(kernel: Parameter, scale: Float32Array): Parameter {
  // The output channel is the last axis; for a depthwise kernel the last two, flattened.
  const channels = scale.length;
  return { shape: kernel.shape, data: kernel.data.map((value, i) => value * (scale[i % channels] ?? 1)) };
}

/**
 * Folds every batch normalisation into the convolution before it. One without such a convolution (after a concat or an
 * add) becomes a 1×1 depthwise convolution, which computes the same.
 */
export function foldBatchNorms(
  raw: readonly RawNode[],
  weights: Weights,
): { nodes: Node[]; parameters: Map<string, Parameter> } {
  const readers = new Map<string, number>();
  for (const node of raw) for (const input of node.inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
  const parameters = new Map<string, Parameter>();
  const nodes: Node[] = [];
  for (const node of raw) {
    const { inputs } = node;
    if (node.op !== 'batch-norm') {
      nodes.push(node);
      if (node.op === 'conv2d' || node.op === 'depthwise' || node.op === 'dense') {
        parameters.set(node.kernel, weight(weights, node.kernel));
        if (node.bias !== null) parameters.set(node.bias, weight(weights, node.bias));
      }
      continue;
    }
    const { scale, shift } = affineOf(node, weights);
    const before = nodes.find((candidate) => candidate.name === inputs[0]);
    const foldable: ConvolutionNode | DenseNode | undefined =
      before && 'kernel' in before && before.activation === 'linear' && readers.get(node.inputs[0] ?? '') === 1
        ? before
        : undefined;
    if (!foldable) {
      const [kernel, bias] = [`${node.name}/depthwise_kernel`, `${node.name}/bias`];
      parameters.set(kernel, { shape: [1, 1, scale.length, 1], data: scale });
      parameters.set(bias, { shape: [scale.length], data: shift });
      nodes.push({
        op: 'depthwise',
        name: node.name,
        inputs,
        layers: [node.name],
        kernel,
        bias,
        strides: [1, 1],
        padding: 'same',
        activation: 'linear',
      });
      continue;
    }
    const bias = foldable.bias ?? `${foldable.name}/bias`;
    const old = foldable.bias === null ? undefined : parameters.get(foldable.bias)?.data;
    parameters.set(foldable.kernel, scaledKernel(weight(parameters, foldable.kernel), scale));
    parameters.set(bias, {
      shape: [shift.length],
      data: shift.map((value, c) => value + (old?.[c] ?? 0) * (scale[c] ?? 1)),
    });
    nodes[nodes.indexOf(foldable)] = { ...foldable, bias, name: node.name, layers: [...foldable.layers, node.name] };
  }
  return { nodes, parameters };
}

/** Merges an activation into the convolution or dense layer before it, and drops those that do nothing. */
export function fuseActivations(nodes: readonly Node[]): Node[] {
  const readers = new Map<string, number>();
  for (const node of nodes) for (const input of node.inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
  const result: Node[] = [];
  for (const node of nodes) {
    const before = node.op === 'activation' ? result.find((candidate) => candidate.name === node.inputs[0]) : undefined;
    const mergeable = before && readers.get(before.name) === 1 && result.at(-1) === before;
    if (node.op !== 'activation' || !mergeable) {
      result.push(node);
      continue;
    }
    const layers = [...before.layers, ...node.layers];
    if (node.activation === 'linear') result[result.length - 1] = { ...before, name: node.name, layers };
    else if ('activation' in before && before.activation === 'linear') {
      result[result.length - 1] = { ...before, name: node.name, layers, activation: node.activation };
    } else result.push(node);
  }
  return result;
}
