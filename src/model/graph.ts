/**
 * The network as a plain graph: what a TF.js layers model is read into (batch normalisation folded, activations fused),
 * what the training engines differentiate and what the ONNX writer exports. Tensors are NHWC; a shape is [h, w, c], or
 * [c] after global pooling.
 */
export type Shape = readonly number[];
export type Activation = 'linear' | 'relu' | 'relu6';
export type Padding = 'same' | 'valid';
export type Pair = readonly [number, number];

export interface Parameter {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** Named weights. Convolution kernels are [kh, kw, in, out], depthwise ones [kh, kw, channels, multiplier]. */
export type Parameters = ReadonlyMap<string, Parameter>;

interface NodeBase {
  readonly name: string;
  /** Names of the nodes this one reads; 'input' is the network's input. */
  readonly inputs: readonly string[];
  /** The layers of the source model that this node stands for, in order; the last one is its name. */
  readonly layers: readonly string[];
}

export interface ConvolutionNode extends NodeBase {
  readonly op: 'conv2d' | 'depthwise';
  readonly kernel: string;
  readonly bias: string | null;
  readonly strides: Pair;
  readonly padding: Padding;
  readonly activation: Activation;
}
export interface DenseNode extends NodeBase {
  readonly op: 'dense';
  readonly kernel: string;
  readonly bias: string | null;
  readonly activation: Activation;
}
export interface ActivationNode extends NodeBase {
  readonly op: 'activation';
  readonly activation: Activation;
}
export interface PadNode extends NodeBase {
  readonly op: 'pad';
  /** Zeros added: [[top, bottom], [left, right]]. */
  readonly padding: readonly [Pair, Pair];
}
export interface PoolNode extends NodeBase {
  readonly op: 'max-pool' | 'average-pool';
  readonly size: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
}
export interface PlainNode extends NodeBase {
  readonly op: 'add' | 'concat' | 'global-average-pool' | 'global-max-pool' | 'l2-normalize';
}
export type Node = ConvolutionNode | DenseNode | ActivationNode | PadNode | PoolNode | PlainNode;

/** Scaled input = pixel · multiply + add, pixel in 0 … 255. */
export interface PixelScale {
  readonly multiply: number;
  readonly add: number;
}

export interface Network {
  /** Shape of the input, [h, w, c]. */
  readonly inputShape: Shape;
  /** In an order in which every node comes after its inputs. */
  readonly nodes: readonly Node[];
  readonly output: string;
  readonly parameters: Parameters;
}

/** The names of the parameters that a node reads. */
export function parametersOf(node: Node): string[] {
  if (node.op !== 'conv2d' && node.op !== 'depthwise' && node.op !== 'dense') return [];
  return node.bias === null ? [node.kernel] : [node.kernel, node.bias];
}

/** Output size of a window operation along one side, and the zeros TF pads before and after it. */
export function windowing(
  size: number,
  kernel: number,
  stride: number,
  padding: Padding,
): { out: number; before: number; after: number } {
  if (padding === 'valid') return { out: Math.floor((size - kernel) / stride) + 1, before: 0, after: 0 };
  const out = Math.ceil(size / stride);
  const total = Math.max((out - 1) * stride + kernel - size, 0);
  return { out, before: Math.floor(total / 2), after: Math.ceil(total / 2) };
}
