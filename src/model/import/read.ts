import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { describe, findInput, layoutOf, sizeOf, typeOf, type PixelType } from './input.js';
import type { ImportOptions, Layout } from './options.js';
import { unsupported } from './unsupported.js';

const { onnx } = onnxProto;

/** An ONNX model that takes pictures, and how. */
export interface ImportedGraph {
  readonly model: Onnx.IModelProto;
  readonly graph: Onnx.IGraphProto;
  /** Of the standard's operators. */
  readonly opset: number;
  readonly input: string;
  readonly inputType: PixelType;
  readonly layout: Layout;
  readonly inputSize: number;
  readonly output: string;
  /** What the file calls it. */
  readonly outputName: string;
}

/** Names that exporters give the vector of the whole picture, the best first. */
const embeddingNames = [
  'image_embeds',
  'image_embedding',
  'image_embeddings',
  'embedding',
  'embeddings',
  'pooler_output',
];

function decode(bytes: Uint8Array, file: string): Onnx.ModelProto {
  const hint = 'Give the .onnx file of an image encoder.';
  let model: Onnx.ModelProto;
  try {
    model = onnx.ModelProto.decode(bytes);
  } catch (error) {
    throw unsupported(`${file} is no ONNX model, or is cut off`, hint, undefined, error);
  }
  if (!model.graph?.node?.length || !model.graph.output?.length) {
    throw unsupported(`${file} is no ONNX model: it holds no graph`, hint);
  }
  return model;
}

/** Every graph in a model: the main one and those inside nodes. */
export function* allGraphs(graph: Onnx.IGraphProto): Generator<Onnx.IGraphProto> {
  yield graph;
  for (const node of graph.node ?? []) {
    for (const attribute of node.attribute ?? []) {
      if (attribute.g) yield* allGraphs(attribute.g);
      for (const inner of attribute.graphs ?? []) yield* allGraphs(inner);
    }
  }
}

/** Weights in files beside the model would be missing from a bundle. */
function checkWeightsInside(graph: Onnx.IGraphProto, file: string): void {
  const { EXTERNAL } = onnx.TensorProto.DataLocation;
  for (const one of allGraphs(graph)) {
    const constants = (one.node ?? []).flatMap(({ attribute }) => (attribute ?? []).flatMap(({ t }) => (t ? [t] : [])));
    const outside = [...(one.initializer ?? []), ...constants].find(({ dataLocation }) => dataLocation === EXTERNAL);
    if (!outside) continue;
    throw unsupported(
      `${file} keeps weights in another file ("${outside.externalData?.find(({ key }) => key === 'location')?.value ?? outside.name ?? ''}")`,
      'Save it as one file first, in Python: onnx.save_model(onnx.load("model.onnx"), "one-file.onnx"); below 2 GB that puts all weights inside.',
    );
  }
}

function outputOf(graph: Onnx.IGraphProto, asked: string | undefined): string {
  const outputs = (graph.output ?? []).map(({ name }) => name ?? '');
  const listed = (graph.output ?? []).map(describe).join(', ');
  if (asked !== undefined) {
    const made = graph.node?.some(({ output }) => output?.includes(asked)) === true;
    if (made) return asked;
    throw unsupported(`the graph has no value "${asked}"`, `Its outputs: ${listed}.`, '--output');
  }
  const [only] = outputs;
  const known = embeddingNames.find((name) => outputs.includes(name));
  if (only !== undefined && outputs.length === 1) return only;
  if (known !== undefined) return known;
  throw unsupported(
    `the graph has ${outputs.length} outputs: ${listed}`,
    'Name the one that holds the embedding: --output NAME.',
    '--output',
  );
}

/** The graph's own values may have the names that a bundle's input and output have. */
const renamed = (name: string): string => (name === 'pixels' || name === 'embedding' ? `imported.${name}` : name);

function giveWay(graph: Onnx.IGraphProto): void {
  for (const one of allGraphs(graph)) {
    for (const node of one.node ?? []) {
      node.input = (node.input ?? []).map(renamed);
      node.output = (node.output ?? []).map(renamed);
    }
    const named = [...(one.initializer ?? []), ...(one.input ?? []), ...(one.output ?? [])];
    for (const value of named) value.name = renamed(value.name ?? '');
  }
}

/**
 * Reads an ONNX file and finds where its picture goes in and its embedding comes out.
 * @param file as the user gave it, for messages
 * @throws KindredError import-unsupported
 */
export function readOnnx(bytes: Uint8Array, file: string, options: ImportOptions): ImportedGraph {
  const model = decode(bytes, file);
  const graph = model.graph ?? {};
  checkWeightsInside(graph, file);
  const opset = Number(model.opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx')?.version ?? 0);
  if (opset < 9) {
    throw unsupported(
      `${file} has opset ${opset}, at least 9 is needed`,
      'Export it again with a newer opset, e.g. 17.',
    );
  }
  const input = findInput(graph, file);
  const layout = layoutOf(input, options.layout);
  const inputSize = sizeOf(input, layout, options.inputSize);
  const outputName = outputOf(graph, options.output);
  giveWay(graph);
  return {
    model,
    graph,
    opset,
    input: input.name ?? '',
    inputType: typeOf(input, file),
    layout,
    inputSize,
    output: renamed(outputName),
    outputName,
  };
}
