import type { ConvolutionNode, Network, Padding, Pair, Shape } from '../../../src/model/graph.js';
import { inferShapes, parameter } from '../../../src/model/shapes.js';

/** One convolution: its input without the batch, and its kernel as TF has it. */
export interface ConvolutionShape {
  readonly op: ConvolutionNode['op'];
  readonly input: Shape;
  readonly kernel: Shape;
  readonly strides: Pair;
  readonly padding: Padding;
}

/** Every different convolution of a network. */
export function convolutionsOf(network: Network): ConvolutionShape[] {
  const shapes = inferShapes(network);
  const found = network.nodes.flatMap((node): ConvolutionShape[] => {
    if (node.op !== 'conv2d' && node.op !== 'depthwise') return [];
    const { op, strides, padding } = node;
    const input = shapes.get(node.inputs[0] ?? '') ?? [];
    return [{ op, input, kernel: parameter(network, node.kernel).shape, strides, padding }];
  });
  return distinct(found);
}

function distinct(shapes: readonly ConvolutionShape[]): ConvolutionShape[] {
  return [...new Map(shapes.map((shape) => [JSON.stringify(shape), shape])).values()];
}

/** [channels in, channels out, stride] of MobileNetV1's 13 separable blocks. */
const blocks: readonly (readonly [number, number, 1 | 2])[] = [
  [32, 64, 1],
  [64, 128, 2],
  [128, 128, 1],
  [128, 256, 2],
  [256, 256, 1],
  [256, 512, 2],
  ...Array.from({ length: 5 }, () => [512, 512, 1] as const),
  [512, 1024, 2],
  [1024, 1024, 1],
];

/** MobileNetV1 1.0 (arXiv 1704.04861, table 1) as TF.js has it, all padded 'same'. */
export function mobilenetV1Convolutions(inputSize: number): ConvolutionShape[] {
  const padding = 'same';
  const found: ConvolutionShape[] = [
    { op: 'conv2d', input: [inputSize, inputSize, 3], kernel: [3, 3, 3, 32], strides: [2, 2], padding },
  ];
  let size = inputSize / 2;
  for (const [channels, out, stride] of blocks) {
    const kernel = [3, 3, channels, 1];
    found.push({ op: 'depthwise', input: [size, size, channels], kernel, strides: [stride, stride], padding });
    size /= stride;
    const pointwise = [1, 1, channels, out];
    found.push({ op: 'conv2d', input: [size, size, channels], kernel: pointwise, strides: [1, 1], padding });
  }
  return distinct(found);
}
