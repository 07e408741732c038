import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import type { Normalization, Pooling } from './options.js';
import type { ImportedGraph } from './read.js';

const { onnx } = onnxProto;
const { FLOAT, FLOAT16, INT64, UINT8 } = onnx.TensorProto.DataType;
const { INT, INTS, GRAPH } = onnx.AttributeProto.AttributeType;

/** 'whole': the original graph sees the batch as it is. 'one by one': a loop gives it one picture at a time. */
export type BatchMode = 'whole' | 'one by one';

export interface Wrapping extends Normalization {
  /** Null: the output as it is, to look at its shape. */
  readonly head: {
    readonly pooling: Pooling;
    /** Of the original output, the batch first. */
    readonly rank: number;
    readonly dimension: number;
    readonly batch: BatchMode;
  } | null;
}

/** Nodes and constants put around the original graph, under names that it cannot have. */
function createParts(opset: number) {
  const nodes: Onnx.INodeProto[] = [];
  const initializers: Onnx.ITensorProto[] = [];
  let counter = 0;
  const fresh = (): string => `kindred/${counter++}`;
  const floats = (values: readonly number[], dims: readonly number[]): string => {
    const name = fresh();
    initializers.push({ name, dataType: FLOAT, dims: [...dims], floatData: [...values] });
    return name;
  };
  const integers = (values: readonly number[]): string => {
    const name = fresh();
    initializers.push({ name, dataType: INT64, dims: [values.length], int64Data: [...values] });
    return name;
  };
  const node = (opType: string, input: readonly string[], attribute: Onnx.IAttributeProto[] = [], name = fresh()) => {
    nodes.push({ opType, name, input: [...input], output: [name], attribute });
    return name;
  };
  const cast = (value: string, to: number): string => node('Cast', [value], [{ name: 'to', type: INT, i: to }]);
  /** Axes are an attribute before opset 18 and an input since. */
  const reduce = (op: 'ReduceMean' | 'ReduceL2', value: string, axes: readonly number[], keep: 0 | 1): string => {
    const keepdims = { name: 'keepdims', type: INT, i: keep };
    return opset < 18
      ? node(op, [value], [keepdims, { name: 'axes', type: INTS, ints: [...axes] }])
      : node(op, [value, integers(axes)], [keepdims]);
  };
  return { nodes, initializers, floats, integers, node, cast, reduce };
}
type Parts = ReturnType<typeof createParts>;

/** uint8 [n, S, S, 3] → what the original graph takes, under the name of its input. */
function addInput(parts: Parts, { input, inputType, layout }: ImportedGraph, pixels: string, wrapping: Wrapping): void {
  const { mean, std } = wrapping;
  let value = pixels;
  if (inputType !== 'uint8') {
    const scaled = parts.node('Mul', [
      parts.cast(pixels, FLOAT),
      parts.floats(
        std.map((s) => 1 / (255 * s)),
        [3],
      ),
    ]);
    value = parts.node('Add', [
      scaled,
      parts.floats(
        mean.map((m, i) => -m / (std[i] ?? 1)),
        [3],
      ),
    ]);
  }
  if (layout === 'nchw') value = parts.node('Transpose', [value], [{ name: 'perm', type: INTS, ints: [0, 3, 1, 2] }]);
  if (inputType === 'float16') value = parts.cast(value, FLOAT16);
  parts.node('Identity', [value], [], input);
}

/** The original output [n, …] → [n, dimension] of unit length. */
function addHead(parts: Parts, { layout, output }: ImportedGraph, head: NonNullable<Wrapping['head']>): string {
  let value = parts.cast(output, FLOAT);
  if (head.rank === 3 && head.pooling === 'mean') value = parts.reduce('ReduceMean', value, [1], 0);
  if (head.rank === 3 && head.pooling === 'cls') {
    // The first token, kept as an axis of one, which Reshape then takes away.
    const index = parts.integers([0]);
    value = parts.node('Gather', [value, index], [{ name: 'axis', type: INT, i: 1 }]);
  }
  if (head.rank === 4 && head.pooling === 'mean') {
    value = parts.reduce('ReduceMean', value, layout === 'nchw' ? [2, 3] : [1, 2], 0);
  }
  const flat = parts.node('Reshape', [value, parts.integers([-1, head.dimension])]);
  const length = parts.reduce('ReduceL2', flat, [1], 1);
  return parts.node('Div', [flat, parts.node('Max', [length, parts.floats([1e-12], [])])]);
}

function valueInfo(name: string, elemType: number, sides: readonly (number | string)[] | null): Onnx.IValueInfoProto {
  const dim = sides?.map((side) => (typeof side === 'number' ? { dimValue: side } : { dimParam: side }));
  return { name, type: { tensorType: { elemType, ...(dim && { shape: { dim } }) } } };
}

/**
 * Puts a bundle's interface around an imported graph: `pixels` uint8 [N, S, S, 3] in, `embedding` float32
 * [N, dimension] of unit length out. Scaling, layout, type, pooling and normalisation become nodes of the graph.
 */
export function wrapGraph(imported: ImportedGraph, wrapping: Wrapping): Uint8Array {
  const { model, graph, opset, inputSize } = imported;
  const { head } = wrapping;
  const parts = createParts(opset);
  const picture = [inputSize, inputSize, 3];
  const single = head?.batch === 'one by one';
  const pixels = single ? parts.node('Reshape', ['kindred/picture', parts.integers([1, ...picture])]) : 'pixels';
  addInput(parts, imported, pixels, wrapping);
  const before = parts.nodes.splice(0);
  const result = head ? addHead(parts, imported, head) : parts.cast(imported.output, FLOAT);
  if (single) parts.node('Reshape', [result, parts.integers([head.dimension])], [], 'kindred/vector');
  else parts.node('Identity', [result], [], 'embedding');
  const inside: Onnx.IGraphProto = {
    node: [...before, ...(graph.node ?? []), ...parts.nodes],
    initializer: [...parts.initializers, ...(graph.initializer ?? [])],
    sparseInitializer: graph.sparseInitializer ?? [],
    quantizationAnnotation: graph.quantizationAnnotation ?? [],
  };
  const outside: Onnx.IGraphProto = {
    name: 'kindred',
    input: [valueInfo('pixels', UINT8, ['N', ...picture])],
    output: [valueInfo('embedding', FLOAT, head ? ['N', head.dimension] : null)],
  };
  return onnx.ModelProto.encode({
    irVersion: Math.max(8, Number(model.irVersion ?? 0)),
    producerName: 'kindred',
    opsetImport: model.opsetImport ?? [],
    functions: model.functions ?? [],
    graph: single ? { ...outside, node: [loop(inside, picture, head.dimension)] } : { ...outside, ...inside },
  }).finish();
}

/** Runs `inside` on one picture after the other and stacks what comes out. */
function loop(inside: Onnx.IGraphProto, picture: readonly number[], dimension: number): Onnx.INodeProto {
  const body: Onnx.IGraphProto = {
    ...inside,
    name: 'one picture',
    input: [valueInfo('kindred/picture', UINT8, picture)],
    output: [valueInfo('kindred/vector', FLOAT, [dimension])],
  };
  return {
    opType: 'Scan',
    name: 'kindred/scan',
    input: ['pixels'],
    output: ['embedding'],
    attribute: [
      { name: 'body', type: GRAPH, g: body },
      { name: 'num_scan_inputs', type: INT, i: 1 },
    ],
  };
}
