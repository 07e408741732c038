import { KindredError } from '../../core/errors.js';
import type { ConvolutionNode, Network, Node, PadNode, PixelScale, Shape } from '../graph.js';
import { inferShapes, parameter } from '../shapes.js';
import { createOnnxBuilder, type OnnxBuilder } from './builder.js';
import { addL2Normalize, addNode, constantWeights, onnxPads, scalar, toOnnxKernel } from './forward.js';
import {
  activationScale,
  type ActivationScale,
  pixelLevels,
  quantizeBias,
  quantizeChannels,
  type Range,
} from './quantize-maths.js';

/** A quantised value: where its levels are read, and what they stand for. */
interface Quantized extends ActivationScale {
  /** Name of the uint8 value. */
  readonly levels: string;
  /** What real value has to be added to all, beside scale · (level − zeroPoint): only the pixels' is not 0. */
  readonly rest: number;
  /** Zeros around it that are not written yet, as ONNX's pads [top, left, bottom, right]: convolutions take them along. */
  readonly border: Border;
}
type Border = readonly [number, number, number, number];
const noBorder: Border = [0, 0, 0, 0];

type Value = { readonly float: string } | { readonly quantized: Quantized };

function dequantize(builder: OnnxBuilder, { levels, scale, zeroPoint }: Quantized): string {
  const zero = builder.quantized(Uint8Array.of(zeroPoint), []);
  return builder.node('DequantizeLinear', [levels, scalar(builder, scale), zero]);
}

function quantize(builder: OnnxBuilder, value: string, { scale, zeroPoint }: ActivationScale): Quantized {
  const zero = builder.quantized(Uint8Array.of(zeroPoint), []);
  const levels = builder.node('QuantizeLinear', [value, scalar(builder, scale), zero]);
  return { levels, scale, zeroPoint, rest: 0, border: noBorder };
}

/** Everything that a quantised value stands for, in float32. */
function restore(builder: OnnxBuilder, value: Quantized): string {
  const { rest, border } = value;
  const levels = dequantize(builder, value);
  const shifted = rest === 0 ? levels : builder.node('Add', [levels, scalar(builder, rest)]);
  if (border.every((side) => side === 0)) return shifted;
  const [top, left, bottom, right] = border;
  return builder.node('Pad', [shifted, builder.integers([0, 0, top, left, 0, 0, bottom, right])]);
}

function padded(value: Quantized, { padding: [[top, bottom], [left, right]] }: PadNode): Quantized {
  const [t, l, b, r] = value.border;
  return { ...value, border: [t + top, l + left, b + bottom, r + right] };
}

/** What a convolution adds to each output: its bias, and its kernel's share of what the pixels' levels leave away. */
function biasOf(network: Network, node: ConvolutionNode, kernel: Float32Array, rest: number): Float32Array {
  const given = node.bias === null ? undefined : parameter(network, node.bias).data;
  const shape = parameter(network, node.kernel).shape;
  const channels = node.op === 'depthwise' ? (shape[2] ?? 1) * (shape[3] ?? 1) : (shape[3] ?? 1);
  const size = kernel.length / channels;
  return Float32Array.from({ length: channels }, (_, channel) => {
    const sum = kernel.subarray(channel * size, (channel + 1) * size).reduce((total, value) => total + value, 0);
    return (given?.[channel] ?? 0) + rest * sum;
  });
}

function addConvolution(
  builder: OnnxBuilder,
  network: Network,
  node: ConvolutionNode,
  input: Quantized,
  shape: Shape,
): string {
  const kernel = toOnnxKernel(node.op, parameter(network, node.kernel));
  const [channels = 1, , kh = 1, kw = 1] = kernel.shape;
  const { levels, scales } = quantizeChannels(kernel.data, channels);
  const bias = biasOf(network, node, kernel.data, input.rest);
  const scaleOf = builder.constant(scales, [channels]);
  const zeros = builder.quantized(new Int8Array(channels), [channels]);
  const weights = builder.node('DequantizeLinear', [builder.quantized(levels, kernel.shape), scaleOf, zeros], {
    axis: 0,
  });
  const biasScales = builder.constant(
    scales.map((scale) => scale * input.scale),
    [channels],
  );
  const biasLevels = builder.quantized(quantizeBias(bias, input.scale, scales), [channels]);
  const biases = builder.node('DequantizeLinear', [biasLevels, biasScales], { axis: 0 });
  return builder.node('Conv', [dequantize(builder, input), weights, biases], {
    kernel_shape: [kh, kw],
    strides: [...node.strides],
    pads: onnxPads(shape, [kh, kw], node).map((zeros, side) => zeros + (input.border[side] ?? 0)),
    group: node.op === 'depthwise' ? (shape[2] ?? 1) : 1,
  });
}

/** What of a node's range its activation cuts off anyway: quantising saturates, so that no Clip is needed. */
function rangeOf(node: Node, ranges: ReadonlyMap<string, Range>): Range {
  const range = ranges.get(node.name);
  if (!range) throw new KindredError('internal', `node ${node.name} was not calibrated`);
  const activation = 'activation' in node ? node.activation : 'linear';
  if (activation === 'linear') return range;
  return { low: 0, high: activation === 'relu6' ? Math.min(6, range.high) : range.high };
}

/**
 * A whole encoder with int8 convolutions: same input and output as `exportEncoder`. Weights are symmetric int8 with a
 * scale a channel, activations uint8 with calibrated ranges; pooling, the dense layer and the L2 normalisation stay
 * float32. Written with QuantizeLinear and DequantizeLinear, which ONNX Runtime fuses into integer kernels.
 * @param ranges smallest and largest value of every node's output (see quantize-calibrate.ts)
 */
export function exportQuantizedEncoder(
  network: Network,
  pixelScale: PixelScale,
  ranges: ReadonlyMap<string, Range>,
): Uint8Array {
  const builder = createOnnxBuilder('kindred-int8');
  const shapes = inferShapes(network);
  const [height = 0, width = 0, depth = 3] = network.inputShape;
  const pixels = builder.input('pixels', ['N', height, width, depth], 'uint8');
  const levels = builder.node('Transpose', [pixels], { perm: [0, 3, 1, 2] });
  const values = new Map<string, Value>([
    ['input', { quantized: { levels, border: noBorder, ...pixelLevels(pixelScale) } }],
  ]);
  const float = (name: string): string => {
    const value = values.get(name);
    if (!value) throw new KindredError('internal', `there is no value ${name}`);
    return 'float' in value ? value.float : restore(builder, value.quantized);
  };
  const weights = constantWeights(builder, network);
  const valueOf = (node: Node): Value => {
    const [first = 'input'] = node.inputs;
    const shape = shapes.get(first) ?? [];
    const input = values.get(first);
    if (input && 'quantized' in input) {
      if (node.op === 'pad') return { quantized: padded(input.quantized, node) };
      if (node.op === 'conv2d' || node.op === 'depthwise') {
        const sum = addConvolution(builder, network, node, input.quantized, shape);
        return { quantized: quantize(builder, sum, activationScale(rangeOf(node, ranges))) };
      }
    }
    const result = addNode(builder, node, node.inputs.map(float), shape, network, weights);
    // What has positions still is the input of convolutions; what comes behind the pooling stays float32.
    if (shapes.get(node.name)?.length !== 3) return { float: result };
    return { quantized: quantize(builder, result, activationScale(rangeOf(node, ranges))) };
  };
  for (const node of network.nodes) values.set(node.name, valueOf(node));
  const embedding = addL2Normalize(builder, float(network.output));
  builder.node('Identity', [embedding], {}, 'embedding');
  builder.output('embedding', ['N', shapes.get(network.output)?.[0] ?? 0]);
  return builder.finish();
}
