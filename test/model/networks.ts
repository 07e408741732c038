import { createRandom, gaussian } from '../../src/core/random.js';
import type {
  Activation,
  Network,
  Node,
  Padding,
  Pair,
  Parameter,
  PlainNode,
  PoolNode,
  Shape,
} from '../../src/model/graph.js';
import { inferShapes } from '../../src/model/shapes.js';

export interface WindowOptions {
  readonly size?: Pair;
  readonly strides?: Pair;
  readonly padding?: Padding;
  readonly activation?: Activation;
  readonly bias?: boolean;
}

const one: Pair = [1, 1];
const two: Pair = [2, 2];
const three: Pair = [3, 3];

/** Writes small networks with random weights down node by node; each method gives the name of its node. */
export interface NetworkBuilder {
  conv(input: string, out: number, options?: WindowOptions): string;
  depthwise(input: string, options?: WindowOptions & { readonly multiplier?: number }): string;
  dense(input: string, out: number, activation?: Activation): string;
  pad(input: string, padding: readonly [Pair, Pair]): string;
  activation(input: string, activation: Activation): string;
  pool(op: PoolNode['op'], input: string, options?: WindowOptions): string;
  plain(op: PlainNode['op'], ...inputs: string[]): string;
  finish(): Network;
  /** Adds average and max pooling, their sum and a linear layer, as the trainer does, then finishes. */
  finishWithHead(dim?: number): Network;
}

export function networkBuilder(inputShape: Shape, seed = 1): NetworkBuilder {
  const random = createRandom('network', seed);
  const nodes: Node[] = [];
  const parameters = new Map<string, Parameter>();
  const network = (): Network => ({ inputShape, nodes, output: nodes.at(-1)?.name ?? 'input', parameters });
  const shapeOf = (name: string): Shape => inferShapes(network()).get(name) ?? [];
  const weights = (name: string, shape: Shape, spread: number): string => {
    const size = shape.reduce((product, side) => product * side, 1);
    parameters.set(name, { shape, data: Float32Array.from({ length: size }, () => gaussian(random) * spread) });
    return name;
  };
  const add = (node: Node): string => {
    nodes.push(node);
    return node.name;
  };
  const base = (op: string, inputs: readonly string[]) => {
    const name = `${op}_${nodes.length}`;
    return { name, inputs, layers: [name] };
  };
  const builder: NetworkBuilder = {
    conv(input, out, { size = one, strides = one, padding = 'same', activation = 'linear', bias = true } = {}) {
      const common = base('conv', [input]);
      const channels = shapeOf(input)[2] ?? 0;
      const spread = 1.5 / Math.sqrt(channels * size[0] * size[1]);
      const kernel = weights(`${common.name}/kernel`, [...size, channels, out], spread);
      const biasName = bias ? weights(`${common.name}/bias`, [out], 0.5) : null;
      return add({ ...common, op: 'conv2d', kernel, bias: biasName, strides, padding, activation });
    },
    depthwise(input, options = {}) {
      const { size = three, strides = one, padding = 'same', activation = 'linear' } = options;
      const { bias = true, multiplier = 1 } = options;
      const common = base('depthwise', [input]);
      const channels = shapeOf(input)[2] ?? 0;
      const spread = 1.5 / Math.sqrt(size[0] * size[1]);
      const kernel = weights(`${common.name}/depthwise_kernel`, [...size, channels, multiplier], spread);
      const biasName = bias ? weights(`${common.name}/bias`, [channels * multiplier], 0.5) : null;
      return add({ ...common, op: 'depthwise', kernel, bias: biasName, strides, padding, activation });
    },
    dense(input, out, activation = 'linear') {
      const common = base('dense', [input]);
      const channels = shapeOf(input)[0] ?? 0;
      const kernel = weights(`${common.name}/kernel`, [channels, out], 1 / Math.sqrt(channels));
      return add({ ...common, op: 'dense', kernel, bias: weights(`${common.name}/bias`, [out], 0.5), activation });
    },
    pad: (input, padding) => add({ ...base('pad', [input]), op: 'pad', padding }),
    activation: (input, activation) => add({ ...base(activation, [input]), op: 'activation', activation }),
    pool: (op, input, { size = two, strides = two, padding = 'valid' } = {}) =>
      add({ ...base(op, [input]), op, size, strides, padding }),
    plain: (op, ...inputs) => add({ ...base(op, inputs), op }),
    finish: network,
    finishWithHead(dim = 3) {
      const last = nodes.at(-1)?.name ?? 'input';
      const sum = builder.plain(
        'add',
        builder.plain('global-average-pool', last),
        builder.plain('global-max-pool', last),
      );
      builder.dense(sum, dim);
      return network();
    },
  };
  return builder;
}

/** Standard normal values, times `spread`. */
export function randomValues(count: number, seed: number | string, spread = 1): Float32Array {
  const random = createRandom('values', seed);
  return Float32Array.from({ length: count }, () => gaussian(random) * spread);
}

/** [N, h, w, c] → [N, c, h, w] */
export function toPlanes(values: Float32Array, [height = 1, width = 1, channels = 1]: Shape): Float32Array {
  const area = height * width;
  return Float32Array.from(values, (_, i) => {
    const [image, rest] = [Math.floor(i / (area * channels)), i % (area * channels)];
    return values[image * area * channels + (rest % area) * channels + Math.floor(rest / area)] ?? NaN;
  });
}
