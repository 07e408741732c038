import type { Activation, ConvolutionNode, Network, Node, Padding, Pair, Shape } from '../../src/model/graph.js';

/** A picture or a vector in double precision: value(y, x, c); a vector has one row and one column. */
interface Grid {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Float64Array;
}

export interface WeightValues {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}
export type Weights = ReadonlyMap<string, WeightValues>;

function grid(
  height: number,
  width: number,
  channels: number,
  value: (y: number, x: number, c: number) => number,
): Grid {
  const data = new Float64Array(height * width * channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = value(y, x, c);
  return { height, width, channels, data };
}

/** The value there, or undefined outside the picture. */
function at({ height, width, channels, data }: Grid, y: number, x: number, c: number): number | undefined {
  if (y < 0 || x < 0 || y >= height || x >= width) return undefined;
  return data[(y * width + x) * channels + c];
}

function activate(value: number, activation: Activation): number {
  if (activation === 'linear') return value;
  return activation === 'relu' ? Math.max(0, value) : Math.min(6, Math.max(0, value));
}

/** TF's rule for 'same': as few zeros as needed, the odd one at the end. */
function side(size: number, window: number, stride: number, padding: Padding): { out: number; before: number } {
  if (padding === 'valid') return { out: Math.ceil((size - window + 1) / stride), before: 0 };
  const out = Math.ceil(size / stride);
  return { out, before: Math.floor(Math.max(0, (out - 1) * stride + window - size) / 2) };
}

/** Calls `reduce` for every output value with a reader of the window's values. */
function windows(
  x: Grid,
  [kh, kw]: Pair,
  [sh, sw]: Pair,
  padding: Padding,
  channels: number,
  reduce: (read: (dy: number, dx: number, c: number) => number | undefined, c: number) => number,
): Grid {
  const [rows, columns] = [side(x.height, kh, sh, padding), side(x.width, kw, sw, padding)];
  return grid(rows.out, columns.out, channels, (oy, ox, c) =>
    reduce((dy, dx, from) => at(x, oy * sh + dy - rows.before, ox * sw + dx - columns.before, from), c),
  );
}

function convolution(node: ConvolutionNode, x: Grid, weights: Weights): Grid {
  const kernel = weights.get(node.kernel);
  const bias = node.bias === null ? undefined : weights.get(node.bias)?.data;
  const [kh = 1, kw = 1, third = 1, fourth = 1] = kernel?.shape ?? [];
  const depthwise = node.op === 'depthwise';
  const weight = (dy: number, dx: number, i: number, o: number): number =>
    kernel?.data[((dy * kw + dx) * third + i) * fourth + o] ?? NaN;
  const channels = depthwise ? third * fourth : fourth;
  return windows(x, [kh, kw], node.strides, node.padding, channels, (read, c) => {
    let sum = bias?.[c] ?? 0;
    for (let dy = 0; dy < kh; dy++)
      for (let dx = 0; dx < kw; dx++) {
        if (depthwise) {
          const [i, o] = [Math.floor(c / fourth), c % fourth];
          sum += (read(dy, dx, i) ?? 0) * weight(dy, dx, i, o);
        } else for (let i = 0; i < third; i++) sum += (read(dy, dx, i) ?? 0) * weight(dy, dx, i, c);
      }
    return activate(sum, node.activation);
  });
}

function mapped(x: Grid, map: (value: number) => number): Grid {
  return { ...x, data: x.data.map(map) };
}

function compute(node: Node, inputs: readonly Grid[], weights: Weights): Grid {
  const [x] = inputs;
  if (!x) throw new Error(`${node.name} has no input`);
  switch (node.op) {
    case 'conv2d':
    case 'depthwise':
      return convolution(node, x, weights);
    case 'dense': {
      const kernel = weights.get(node.kernel);
      const units = kernel?.shape[1] ?? 0;
      const bias = node.bias === null ? undefined : weights.get(node.bias)?.data;
      return grid(1, 1, units, (_, __, c) => {
        const sum = x.data.reduce((total, value, i) => total + value * (kernel?.data[i * units + c] ?? NaN), 0);
        return activate(sum + (bias?.[c] ?? 0), node.activation);
      });
    }
    case 'activation':
      return mapped(x, (value) => activate(value, node.activation));
    case 'pad': {
      const [[top, bottom], [left, right]] = node.padding;
      const [height, width] = [x.height + top + bottom, x.width + left + right];
      return grid(height, width, x.channels, (y, column, c) => at(x, y - top, column - left, c) ?? 0);
    }
    case 'max-pool':
    case 'average-pool':
      return windows(x, node.size, node.strides, node.padding, x.channels, (read, c) => {
        const values: number[] = [];
        for (let dy = 0; dy < node.size[0]; dy++)
          for (let dx = 0; dx < node.size[1]; dx++) {
            const value = read(dy, dx, c);
            if (value !== undefined) values.push(value);
          }
        return node.op === 'max-pool' ? Math.max(...values) : values.reduce((a, b) => a + b, 0) / values.length;
      });
    case 'global-average-pool':
    case 'global-max-pool':
      return grid(1, 1, x.channels, (_, __, c) => {
        const values = [...x.data].filter((_value, i) => i % x.channels === c);
        return node.op === 'global-max-pool' ? Math.max(...values) : values.reduce((a, b) => a + b, 0) / values.length;
      });
    case 'add':
      return inputs.slice(1).reduce(addGrids, x);
    case 'concat': {
      const parts = inputs.flatMap((part) => Array.from({ length: part.channels }, (_, c) => ({ part, c })));
      return grid(x.height, x.width, parts.length, (y, column, c) => {
        const from = parts[c];
        return (from && at(from.part, y, column, from.c)) ?? NaN;
      });
    }
    case 'l2-normalize': {
      const length = Math.hypot(...x.data);
      return mapped(x, (value) => value / length);
    }
  }
}

function addGrids(a: Grid, b: Grid): Grid {
  return { ...a, data: a.data.map((value, i) => value + (b.data[i] ?? NaN)) };
}

/** What a network computes, in plain loops and double precision. `input`: batch × h × w × c values. */
export function naiveForward(
  network: Network,
  input: ArrayLike<number>,
  batch: number,
  weights: Weights = network.parameters,
): number[] {
  const [h = 1, w = 1, c = 1] = network.inputShape;
  const [height, width, channels] = network.inputShape.length === 1 ? [1, 1, h] : [h, w, c];
  const size = height * width * channels;
  return Array.from({ length: batch }, (_, image) => {
    const values = new Map<string, Grid>([
      [
        'input',
        {
          height,
          width,
          channels,
          data: Float64Array.from({ length: size }, (__, i) => input[image * size + i] ?? NaN),
        },
      ],
    ]);
    for (const node of network.nodes) {
      const inputs = node.inputs.flatMap((name) => values.get(name) ?? []);
      values.set(node.name, compute(node, inputs, weights));
    }
    return [...(values.get(network.output)?.data ?? [])];
  }).flat();
}

/** Largest absolute difference, relative to the largest expected value. NaN where lengths differ or a value is NaN. */
export function relativeDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return NaN;
  let [largest, scale] = [0, 1e-3];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN));
    if (Number.isNaN(difference)) return NaN;
    largest = Math.max(largest, difference);
    scale = Math.max(scale, Math.abs(expected[i] ?? 0));
  }
  return largest / scale;
}
