import { createRandom, gaussian } from '../../core/random.js';
import type { Backbone } from '../../learn/backbones/backbone.js';
import { loadBackbone } from '../../learn/backbones/registry.js';
import type { Network, Node, Pair, Parameter, Shape } from '../../model/graph.js';

/** Output channels and stride of MobileNetV1's blocks conv_dw_1/conv_pw_1 … conv_dw_12/conv_pw_12, at width 1.0. */
const blocks: readonly (readonly [number, 1 | 2])[] = [
  [64, 1], [128, 2], [128, 1], [256, 2], [256, 1], [512, 2],
  [512, 1], [512, 1], [512, 1], [512, 1], [512, 1], [1024, 2],
]; // prettier-ignore

/**
 * A network of MobileNetV1's shape up to conv_pw_12_relu, with its layers' names and random weights (He et al., arXiv
 * 1502.01852): training it takes as long as training the real one, and nothing has to be downloaded.
 */
export function mobilenetShaped(inputSize: number, seed = 0): Network {
  const random = createRandom('mobilenet', seed);
  const nodes: Node[] = [];
  const parameters = new Map<string, Parameter>();
  const weights = (name: string, shape: Shape, deviation: number): string => {
    const length = shape.reduce((product, side) => product * side, 1);
    parameters.set(name, { shape, data: Float32Array.from({ length }, () => gaussian(random) * deviation) });
    return name;
  };
  const add = (op: 'conv2d' | 'depthwise', layer: string, kernel: Shape, strides: Pair): void => {
    const [kh = 1, kw = 1, channels = 1, out = 1] = kernel;
    const fanIn = kh * kw * (op === 'conv2d' ? channels : 1);
    nodes.push({
      op,
      name: `${layer}_relu`,
      inputs: [nodes.at(-1)?.name ?? 'input'],
      layers: [layer, `${layer}_relu`],
      kernel: weights(`${layer}/kernel`, kernel, Math.sqrt(2 / fanIn)),
      bias: weights(`${layer}/bias`, [op === 'conv2d' ? out : channels], 0.1),
      strides,
      padding: 'same',
      activation: 'relu6',
    });
  };
  add('conv2d', 'conv1', [3, 3, 3, 32], [2, 2]);
  let channels = 32;
  for (const [index, [out, stride]] of blocks.entries()) {
    add('depthwise', `conv_dw_${index + 1}`, [3, 3, channels, 1], [stride, stride]);
    add('conv2d', `conv_pw_${index + 1}`, [1, 1, channels, out], [1, 1]);
    channels = out;
  }
  return { inputShape: [inputSize, inputSize, 3], nodes, output: nodes.at(-1)?.name ?? 'input', parameters };
}

const generated: Backbone = {
  name: 'generated weights in MobileNetV1’s shape',
  cut: 'conv_pw_12_relu',
  scale: { multiply: 1 / 127.5, add: -1 },
  trainFrom: 'conv_dw_6',
  source: 'generated',
  network: (inputSize) => mobilenetShaped(inputSize),
};

/** The backbone that was asked for, or generated weights in MobileNetV1's shape. @throws KindredError backbone-* */
export async function benchBackbone(name: string | undefined, from: string | undefined): Promise<Backbone> {
  return name === undefined ? generated : loadBackbone(name, { from });
}
