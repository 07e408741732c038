import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { createRandom } from '../../../src/core/random.js';
import { createOnnxBuilder, type Dimension } from '../../../src/model/onnx/builder.js';

const { onnx } = onnxProto;
export const inputSize = 20;
export const dimension = 6;
export const tokens = 4;

/** [3, columns], the same for the same seed. */
export function matrix(columns: number, seed = 1): Float32Array {
  const random = createRandom('import', seed);
  return Float32Array.from({ length: 3 * columns }, () => random() - 0.5);
}

/** What a model does when nothing but one part of it is changed. */
export function changed(
  bytes: Uint8Array,
  change: (model: Onnx.ModelProto, graph: Onnx.IGraphProto) => void,
): Uint8Array {
  const model = onnx.ModelProto.decode(bytes);
  change(model, model.graph ?? {});
  return onnx.ModelProto.encode(model).finish();
}

export const withOpset = (bytes: Uint8Array, version: number): Uint8Array =>
  changed(bytes, (model) => (model.opsetImport = [{ domain: '', version }]));

interface Shape {
  readonly batch?: Dimension;
  readonly layout?: 'nchw' | 'nhwc';
  readonly side?: Dimension;
}
const imageShape = ({ batch = 'N', layout = 'nchw', side = inputSize }: Shape): Dimension[] =>
  layout === 'nchw' ? [batch, 3, side, side] : [batch, side, side, 3];

/** Mean colours times a matrix: [N, 3, S, S] → "features" [N, 6]. Only operators that have not changed since opset 9. */
export function meanColour(shape: Shape = {}): Uint8Array {
  const builder = createOnnxBuilder('mean-colour');
  const image = builder.input('image', imageShape(shape));
  const planes = shape.layout === 'nhwc' ? builder.node('Transpose', [image], { perm: [0, 3, 1, 2] }) : image;
  const colours = builder.node('Flatten', [builder.node('GlobalAveragePool', [planes])], { axis: 1 });
  builder.node('MatMul', [colours, builder.constant(matrix(dimension), [3, dimension])], {}, 'features');
  builder.output('features', [shape.batch ?? 'N', dimension]);
  return builder.finish();
}

/** As a ViT gives them: "last_hidden_state" [N, 4, 6]. With `batch` 1, what is exported for a single picture. */
export function tokenEncoder(batch: 'N' | 1 = 'N'): Uint8Array {
  const builder = createOnnxBuilder('tokens');
  const image = builder.input('pixel_values', [batch, 3, inputSize, inputSize]);
  const colours = builder.node('Flatten', [builder.node('GlobalAveragePool', [image])], { axis: 1 });
  const all = builder.node('MatMul', [colours, builder.constant(matrix(tokens * dimension), [3, tokens * dimension])]);
  const shape = builder.integers([batch === 1 ? 1 : -1, tokens, dimension]);
  builder.node('Reshape', [all, shape], {}, 'last_hidden_state');
  builder.output('last_hidden_state', [batch, tokens, dimension]);
  return builder.finish();
}

/** Takes a batch and mixes its pictures up: half of the mean over the batch is added to each. */
export function mixing(): Uint8Array {
  const builder = createOnnxBuilder('mixing');
  const image = builder.input('image', ['N', 3, inputSize, inputSize]);
  const colours = builder.node('Flatten', [builder.node('GlobalAveragePool', [image])], { axis: 1 });
  const features = builder.node('MatMul', [colours, builder.constant(matrix(dimension), [3, dimension])]);
  builder.node('Add', [features, builder.node('ReduceMean', [features], { axes: [0], keepdims: 1 })], {}, 'features');
  builder.output('features', ['N', dimension]);
  return builder.finish();
}

/** The picture itself as a feature map of three channels. */
export function featureMap(layout: 'nchw' | 'nhwc'): Uint8Array {
  const builder = createOnnxBuilder('map');
  builder.node('Identity', [builder.input('image', imageShape({ layout }))], {}, 'map');
  builder.output('map', imageShape({ layout }));
  return builder.finish();
}

/** float16 in and out, float32 within. */
export function half(): Uint8Array {
  const { FLOAT16, FLOAT } = onnx.TensorProto.DataType;
  return changed(meanColour(), (_, graph) => {
    const cast = (input: string, output: string, i: number): Onnx.INodeProto => ({
      opType: 'Cast',
      input: [input],
      output: [output],
      attribute: [{ name: 'to', type: onnx.AttributeProto.AttributeType.INT, i }],
    });
    for (const node of graph.node ?? []) {
      node.input = node.input?.map((name) => (name === 'image' ? 'image32' : name)) ?? [];
      node.output = node.output?.map((name) => (name === 'features' ? 'features32' : name)) ?? [];
    }
    graph.node = [cast('image', 'image32', FLOAT), ...(graph.node ?? []), cast('features32', 'features', FLOAT16)];
    for (const value of [...(graph.input ?? []), ...(graph.output ?? [])]) {
      if (value.type?.tensorType) value.type.tensorType.elemType = FLOAT16;
    }
  });
}

/** "features" and what one node makes of them, under another name. */
export function withSecondOutput(name: string, op = 'Neg'): Uint8Array {
  return changed(meanColour(), (_, graph) => {
    graph.node?.push({ opType: op, input: ['features'], output: [name] });
    graph.output?.push({ name, type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'N' }, { dimValue: dimension }] } } } }); // prettier-ignore
  });
}

/** What the encoders above compute from the mean colours of pictures, in plain loops: unit vectors. */
export function expected(
  pixels: Uint8Array,
  { mean, std }: { mean: readonly number[]; std: readonly number[] },
  head: (colours: readonly number[]) => readonly number[],
): number[][] {
  const bytes = inputSize * inputSize * 3;
  return Array.from({ length: pixels.length / bytes }, (_, image) => {
    const sums = [0, 0, 0];
    for (let i = 0; i < bytes; i++) sums[i % 3] = (sums[i % 3] ?? 0) + (pixels[image * bytes + i] ?? 0);
    const colours = sums.map((sum, c) => (sum / (bytes / 3) / 255 - (mean[c] ?? NaN)) / (std[c] ?? NaN));
    const values = head(colours);
    const length = Math.hypot(...values);
    return values.map((value) => value / length);
  });
}

/** [3] times a matrix of [3, columns]. */
export const times =
  (weights: Float32Array) =>
  (colours: readonly number[]): number[] => {
    const columns = weights.length / 3;
    return Array.from({ length: columns }, (_, d) =>
      colours.reduce((sum, value, c) => sum + value * (weights[c * columns + d] ?? 0), 0),
    );
  };
