import * as tf from '@tensorflow/tfjs-core';
import { KindredError } from '../../../core/errors.js';
import type { Activation, ConvolutionNode, DenseNode, Network, Node } from '../../../model/graph.js';
import { convolutionAttributes, image, matrix, tensor, type Tensors } from './forward.js';

interface Scope {
  readonly weights: Tensors;
  /** Values of the forward pass. */
  readonly values: Tensors;
  /** Filled: one gradient for each parameter. */
  readonly gradients: Map<string, tf.Tensor>;
}

/** dy where the activation let the value through, 0 elsewhere, read off its output y. */
function masked(dy: tf.Tensor, y: tf.Tensor, activation: Activation): tf.Tensor {
  if (activation === 'linear') return dy;
  // For relu6, y·(6 − y) is positive exactly strictly between the two clips.
  return tf.mul(dy, tf.step(activation === 'relu' ? y : tf.mul(y, tf.sub(6, y))));
}

/** Sum over all but the last axis, as a product with a row of ones: the wasm backend's Sum is slow. */
function sumRows(x: tf.Tensor): tf.Tensor {
  const channels = x.shape.at(-1) ?? 1;
  const rows = x.size / channels;
  return tf.reshape(tf.matMul(tf.ones([1, rows]), tf.reshape(x, [rows, channels])), [channels]);
}

function convolution(scope: Scope, node: ConvolutionNode, incoming: tf.Tensor, isFirst: boolean): tf.Tensor[] {
  const x = tensor(scope.values, node.inputs[0] ?? '');
  const filter = tensor(scope.weights, node.kernel);
  const dy = masked(incoming, tensor(scope.values, node.name), node.activation);
  const attributes = convolutionAttributes(node);
  const prefix = node.op === 'depthwise' ? 'DepthwiseConv2dNative' : 'Conv2D';
  const run = (name: string, inputs: tf.NamedTensorMap, extra: tf.NamedAttrMap): tf.Tensor =>
    tf.engine().runKernel(`${prefix}${name}`, inputs, { ...attributes, ...extra });
  scope.gradients.set(node.kernel, run('BackpropFilter', { x, dy }, { filterShape: [...filter.shape] }));
  if (node.bias !== null) scope.gradients.set(node.bias, sumRows(dy));
  return isFirst ? [] : [run('BackpropInput', { dy, filter }, { inputShape: [...x.shape] })];
}

function dense(scope: Scope, node: DenseNode, incoming: tf.Tensor): tf.Tensor[] {
  const x = matrix(tensor(scope.values, node.inputs[0] ?? ''));
  const dy = matrix(masked(incoming, tensor(scope.values, node.name), node.activation));
  scope.gradients.set(node.kernel, tf.matMul(tf.transpose(x), dy));
  if (node.bias !== null) scope.gradients.set(node.bias, sumRows(dy));
  return [tf.matMul(dy, tf.transpose(matrix(tensor(scope.weights, node.kernel))))];
}

/** Adds [N, C] spread over [N, h, w, C]; `like` gives the shape. */
function spread(value: tf.Tensor, like: tf.Tensor): tf.Tensor {
  const [n = 0, , , channels = 0] = like.shape;
  return tf.add(tf.zerosLike(like), tf.reshape(value, [n, 1, 1, channels]));
}

function backwardNode(scope: Scope, node: Node, incoming: tf.Tensor, isFirst: boolean): tf.Tensor[] {
  const x = tensor(scope.values, node.inputs[0] ?? '');
  switch (node.op) {
    case 'conv2d':
    case 'depthwise':
      return convolution(scope, node, incoming, isFirst);
    case 'dense':
      return dense(scope, node, incoming);
    case 'activation':
      return [masked(incoming, tensor(scope.values, node.name), node.activation)];
    case 'pad': {
      const [[top], [left]] = node.padding;
      const [n = 0, h = 0, w = 0, c = 0] = x.shape;
      return [tf.slice(image(incoming), [0, top, left, 0], [n, h, w, c])];
    }
    case 'add':
      return node.inputs.map(() => incoming);
    case 'concat':
      return tf.split(
        incoming,
        node.inputs.map((input) => tensor(scope.values, input).shape.at(-1) ?? 0),
        incoming.rank - 1,
      );
    case 'global-average-pool':
      return [spread(tf.div(incoming, (x.shape[1] ?? 1) * (x.shape[2] ?? 1)), x)];
    case 'global-max-pool': {
      // Ties share the gradient. The largest value minus the value is 0 at the peaks and positive elsewhere.
      const behind = tf.sub(spread(tensor(scope.values, node.name), x), x);
      const isPeak = tf.sub(1, tf.step(behind));
      return [tf.mul(spread(tf.div(incoming, tf.sum(isPeak, [1, 2])), x), isPeak)];
    }
    case 'max-pool':
    case 'average-pool':
    case 'l2-normalize':
      throw new KindredError('backbone-unsupported', `training through ${node.name} (${node.op}) is not supported`, {
        hint: 'Start after it with --train-from.',
      });
  }
}

/** Gradients of all parameters, from the gradient of the network's output. Call it inside a tidy. */
export function runBackward(
  network: Network,
  weights: Tensors,
  values: Tensors,
  output: tf.Tensor,
): Map<string, tf.Tensor> {
  const scope: Scope = { weights, values, gradients: new Map() };
  const incoming = new Map<string, tf.Tensor>([[network.output, output]]);
  for (const node of network.nodes.toReversed()) {
    const gradient = incoming.get(node.name);
    if (!gradient) continue;
    const isFirst = node.inputs.every((input) => input === 'input');
    backwardNode(scope, node, gradient, isFirst).forEach((part, i) => {
      const input = node.inputs[i] ?? '';
      const sofar = incoming.get(input);
      incoming.set(input, sofar ? tf.add(sofar, part) : part);
    });
  }
  return scope.gradients;
}
