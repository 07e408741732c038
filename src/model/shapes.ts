import { KindredError } from '../core/errors.js';
import { windowing, type Network, type Node, type Pair, type Padding, type Parameter, type Shape } from './graph.js';

function windowShape(shape: Shape, size: Pair, strides: Pair, padding: Padding, channels: number): Shape {
  const [h = 0, w = 0] = shape;
  return [windowing(h, size[0], strides[0], padding).out, windowing(w, size[1], strides[1], padding).out, channels];
}

export function parameter(network: Pick<Network, 'parameters'>, name: string): Parameter {
  const found = network.parameters.get(name);
  if (!found) throw new KindredError('bundle-invalid', `the network has no weights named ${name}`);
  return found;
}

function shapeOf(node: Node, inputs: readonly Shape[], network: Network): Shape {
  const [first = []] = inputs;
  switch (node.op) {
    case 'conv2d': {
      const [kh = 1, kw = 1, , out = 0] = parameter(network, node.kernel).shape;
      return windowShape(first, [kh, kw], node.strides, node.padding, out);
    }
    case 'depthwise': {
      const [kh = 1, kw = 1, channels = 0, multiplier = 1] = parameter(network, node.kernel).shape;
      return windowShape(first, [kh, kw], node.strides, node.padding, channels * multiplier);
    }
    case 'dense':
      return [parameter(network, node.kernel).shape[1] ?? 0];
    case 'pad': {
      const [[top, bottom], [left, right]] = node.padding;
      return [(first[0] ?? 0) + top + bottom, (first[1] ?? 0) + left + right, first[2] ?? 0];
    }
    case 'max-pool':
    case 'average-pool':
      return windowShape(first, node.size, node.strides, node.padding, first[2] ?? 0);
    case 'concat':
      return [...first.slice(0, -1), inputs.reduce((sum, shape) => sum + (shape.at(-1) ?? 0), 0)];
    case 'global-average-pool':
    case 'global-max-pool':
      return [first.at(-1) ?? 0];
    case 'add':
    case 'activation':
    case 'l2-normalize':
      return first;
  }
}

/** The shape of the network's input (under 'input') and of every node's output, without the batch dimension. */
export function inferShapes(network: Network): Map<string, Shape> {
  const shapes = new Map<string, Shape>([['input', network.inputShape]]);
  for (const node of network.nodes) {
    const inputs = node.inputs.map((name) => {
      const shape = shapes.get(name);
      if (!shape)
        throw new KindredError('bundle-invalid', `node ${node.name} reads ${name}, which does not come before it`);
      return shape;
    });
    const shape = shapeOf(node, inputs, network);
    if (shape.some((side) => side < 1)) {
      throw new KindredError(
        'input-size-unsupported',
        `at ${node.name} nothing is left of a ${network.inputShape[0] ?? 0} px picture`,
        {
          hint: 'Use a larger --input-size.',
        },
      );
    }
    shapes.set(node.name, shape);
  }
  return shapes;
}
