import * as tf from '@tensorflow/tfjs-core';
import { KindredError } from '../../../core/errors.js';
import type { Activation, ConvolutionNode, Network, Node } from '../../../model/graph.js';

/** Weights, or values of nodes, by name. */
export type Tensors = ReadonlyMap<string, tf.Tensor>;

export function tensor(tensors: Tensors, name: string): tf.Tensor {
  const found = tensors.get(name);
  if (!found) throw new KindredError('internal', `no tensor ${name}`);
  return found;
}

export function image(x: tf.Tensor): tf.Tensor4D {
  const [n = 0, h = 0, w = 0, c = 0] = x.shape;
  return tf.reshape(x, [n, h, w, c]);
}

export function matrix(x: tf.Tensor): tf.Tensor2D {
  return tf.reshape(x, [-1, x.shape.at(-1) ?? 0]);
}

function activate(x: tf.Tensor, activation: Activation): tf.Tensor {
  if (activation === 'relu') return tf.relu(x);
  return activation === 'relu6' ? tf.relu6(x) : x;
}

/** What every kernel of a convolution wants to know of it. */
export function convolutionAttributes(node: ConvolutionNode): tf.NamedAttrMap {
  return { strides: [...node.strides], pad: node.padding, dataFormat: 'NHWC', dilations: [1, 1] };
}

/** Convolution, bias and activation by the backend's fused kernel. */
function convolution(x: tf.Tensor, weights: Tensors, node: ConvolutionNode): tf.Tensor {
  const filter = tensor(weights, node.kernel);
  const channels = node.op === 'depthwise' ? (filter.shape[2] ?? 0) * (filter.shape[3] ?? 1) : (filter.shape[3] ?? 0);
  const bias = node.bias === null ? tf.zeros([channels]) : tensor(weights, node.bias);
  const attributes = { ...convolutionAttributes(node), activation: node.activation };
  const kernel = node.op === 'depthwise' ? tf.FusedDepthwiseConv2D : tf.FusedConv2D;
  return tf.engine().runKernel(kernel, { x, filter, bias }, attributes);
}

function forwardNode(node: Node, inputs: readonly tf.Tensor[], weights: Tensors): tf.Tensor {
  const [x] = inputs;
  if (!x) throw new KindredError('internal', `node ${node.name} has no input`);
  switch (node.op) {
    case 'conv2d':
    case 'depthwise':
      return convolution(x, weights, node);
    case 'dense': {
      const product = tf.matMul(matrix(x), matrix(tensor(weights, node.kernel)));
      return activate(node.bias === null ? product : tf.add(product, tensor(weights, node.bias)), node.activation);
    }
    case 'activation':
      return activate(x, node.activation);
    case 'pad': {
      const [rows, columns] = node.padding;
      return tf.pad(image(x), [[0, 0], [...rows], [...columns], [0, 0]]);
    }
    case 'max-pool':
      return tf.maxPool(image(x), [...node.size], [...node.strides], node.padding);
    case 'average-pool':
      return tf.avgPool(image(x), [...node.size], [...node.strides], node.padding);
    case 'global-average-pool':
      return tf.mean(x, [1, 2]);
    case 'global-max-pool':
      return tf.max(x, [1, 2]);
    case 'add':
      return inputs.slice(1).reduce((sum, part) => tf.add(sum, part), x);
    case 'concat':
      return tf.concat([...inputs], x.rank - 1);
    case 'l2-normalize':
      throw new KindredError('internal', 'the loss normalises; the learning part ends before it');
  }
}

/** Runs a network on NHWC input; returns the value of every node, and the input's under 'input'. */
export function runForward(network: Network, input: tf.Tensor, weights: Tensors): Map<string, tf.Tensor> {
  const values = new Map<string, tf.Tensor>([['input', input]]);
  for (const node of network.nodes) {
    values.set(
      node.name,
      forwardNode(
        node,
        node.inputs.map((name) => tensor(values, name)),
        weights,
      ),
    );
  }
  return values;
}
