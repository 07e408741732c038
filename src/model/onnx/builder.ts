import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import type { Shape } from '../graph.js';

const { onnx } = onnxProto;
const { FLOAT, INT64, INT32, INT8, UINT8 } = onnx.TensorProto.DataType;
const { INT, INTS, FLOAT: FLOAT_ATTRIBUTE, FLOATS, STRING } = onnx.AttributeProto.AttributeType;

/** A dimension: a number, or a name for one that varies ('N'). */
export type Dimension = number | string;
export type AttributeValue =
  number | string | readonly number[] | { readonly float: number } | { readonly floats: readonly number[] };

/** Values of a constant of small integers; its type is the array's. */
export type QuantizedValues = Int8Array | Uint8Array | Int32Array;

function integerType(data: QuantizedValues): number {
  if (data instanceof Int8Array) return INT8;
  return data instanceof Uint8Array ? UINT8 : INT32;
}

function bytesOf(values: Float32Array | BigInt64Array | QuantizedValues): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function attribute(name: string, value: AttributeValue): Onnx.IAttributeProto {
  if (typeof value === 'number') return { name, type: INT, i: value };
  if (typeof value === 'string') return { name, type: STRING, s: new TextEncoder().encode(value) };
  if ('floats' in value) return { name, type: FLOATS, floats: [...value.floats] };
  if ('float' in value) return { name, type: FLOAT_ATTRIBUTE, f: value.float };
  return { name, type: INTS, ints: [...value] };
}

function valueInfo(name: string, elemType: number, shape: readonly Dimension[]): Onnx.IValueInfoProto {
  const dim = shape.map((side) => (typeof side === 'number' ? { dimValue: side } : { dimParam: side }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

/** Builds an ONNX graph node by node; names of intermediate values are made up unless given. */
export interface OnnxBuilder {
  input(name: string, shape: readonly Dimension[], type?: 'float32' | 'uint8'): string;
  output(name: string, shape: readonly Dimension[]): void;
  constant(data: Float32Array, shape: Shape, name?: string): string;
  /** A constant of 8- or 32-bit integers: quantised weights, zero points. */
  quantized(data: QuantizedValues, shape: Shape): string;
  /** A constant of 64-bit integers: shapes, axes. */
  integers(values: readonly number[]): string;
  node(
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
    name?: string,
    /** Of the operator; the standard's own when left out. */
    domain?: string,
  ): string;
  /** Gives a value that a node made another name, such as that of an output, and tells which it has now. */
  rename(value: string, name: string): string;
  /** The serialised model. */
  finish(): Uint8Array;
}

/** Opset 17, IR version 8: read by every ONNX Runtime since 1.12. */
export function createOnnxBuilder(graphName: string): OnnxBuilder {
  const nodes: Onnx.INodeProto[] = [];
  const initializers: Onnx.ITensorProto[] = [];
  const inputs: Onnx.IValueInfoProto[] = [];
  const outputs: Onnx.IValueInfoProto[] = [];
  let counter = 0;
  const integerNames = new Map<string, string>();
  const domains = new Set(['']);
  return {
    input(name, shape, type = 'float32') {
      inputs.push(valueInfo(name, type === 'uint8' ? UINT8 : FLOAT, shape));
      return name;
    },
    output(name, shape) {
      outputs.push(valueInfo(name, FLOAT, shape));
    },
    constant(data, shape, name = `c${counter++}`) {
      initializers.push({ name, dataType: FLOAT, dims: [...shape], rawData: bytesOf(data) });
      return name;
    },
    quantized(data, shape) {
      const name = `q${counter++}`;
      initializers.push({ name, dataType: integerType(data), dims: [...shape], rawData: bytesOf(data) });
      return name;
    },
    integers(values) {
      const key = values.join();
      const known = integerNames.get(key);
      if (known !== undefined) return known;
      const name = `i${counter++}`;
      const data = BigInt64Array.from(values, (value) => BigInt(value));
      initializers.push({ name, dataType: INT64, dims: [values.length], rawData: bytesOf(data) });
      integerNames.set(key, name);
      return name;
    },
    node(op, from, attributes = {}, name = `v${counter++}`, domain = '') {
      domains.add(domain);
      nodes.push({
        opType: op,
        domain,
        name: `${op}_${name}`,
        input: [...from],
        output: [name],
        attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      });
      return name;
    },
    rename(value, name) {
      const maker = nodes.find(({ output }) => output?.includes(value) === true);
      if (!maker || outputs.some((output) => output.name === value)) {
        nodes.push({ opType: 'Identity', name: `Identity_${name}`, input: [value], output: [name] });
        return name;
      }
      maker.output = [name];
      for (const node of nodes) node.input = node.input?.map((input) => (input === value ? name : input)) ?? [];
      return name;
    },
    finish() {
      return onnx.ModelProto.encode({
        irVersion: 8,
        producerName: 'kindred',
        opsetImport: [...domains].map((domain) => ({ domain, version: domain === '' ? 17 : 1 })),
        graph: { name: graphName, node: nodes, initializer: initializers, input: inputs, output: outputs },
      }).finish();
    },
  };
}
