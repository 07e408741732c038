import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import type { Layout } from './options.js';
import { unsupported } from './unsupported.js';

const { onnx } = onnxProto;

export type PixelType = 'float32' | 'float16' | 'uint8';
const pixelTypes = new Map<number, PixelType>([
  [onnx.TensorProto.DataType.FLOAT, 'float32'],
  [onnx.TensorProto.DataType.FLOAT16, 'float16'],
  [onnx.TensorProto.DataType.UINT8, 'uint8'],
]);

const sidesOf = (value: Onnx.IValueInfoProto): (number | string | undefined)[] | undefined =>
  value.type?.tensorType?.shape?.dim?.map(({ dimValue, dimParam }) => {
    if (dimParam) return dimParam;
    const side = Number(dimValue ?? 0);
    return side > 0 ? side : undefined;
  });

export function describe(value: Onnx.IValueInfoProto): string {
  const sides = sidesOf(value)?.map((side) => side ?? '?');
  return `"${value.name ?? ''}"${sides ? ` [${sides.join(', ')}]` : ''}`;
}

export function findInput(graph: Onnx.IGraphProto, file: string): Onnx.IValueInfoProto {
  const weights = new Set(graph.initializer?.map(({ name }) => name));
  const inputs = (graph.input ?? []).filter(({ name }) => !weights.has(name));
  const [input] = inputs;
  if (!input || inputs.length > 1) {
    throw unsupported(
      input ? `${file} takes ${inputs.length} inputs: ${inputs.map(describe).join(', ')}` : `${file} takes no input`,
      'Export the image encoder alone, with the picture as its only input.',
    );
  }
  const sides = sidesOf(input);
  if (sides && sides.length !== 4) {
    throw unsupported(
      `the input ${describe(input)} of ${file} has ${sides.length} dimensions, a batch of pictures has four`,
      'Export it with an input [N, 3, S, S] or [N, S, S, 3].',
    );
  }
  return input;
}

export function layoutOf(input: Onnx.IValueInfoProto, asked: Layout | undefined): Layout {
  const [, second, , fourth] = sidesOf(input) ?? [];
  const isColour = (side: number | string | undefined): boolean => typeof side !== 'number' || side === 3;
  const possible: Record<Layout, boolean> = { nchw: isColour(second), nhwc: isColour(fourth) };
  const found = asked ?? (second !== 3 && fourth === 3 ? 'nhwc' : possible.nchw ? 'nchw' : 'nhwc');
  if (possible[found]) return found;
  throw unsupported(
    `the input ${describe(input)} does not take three colours as ${found.toUpperCase()}`,
    possible.nchw || possible.nhwc
      ? 'Leave --layout away, or give the other one.'
      : 'kindred gives its encoders RGB pictures: [N, 3, S, S] or [N, S, S, 3].',
    '--layout',
  );
}

export function sizeOf(input: Onnx.IValueInfoProto, layout: Layout, asked: number | undefined): number {
  const sides = (sidesOf(input) ?? []).slice(layout === 'nchw' ? 2 : 1).slice(0, 2);
  const fixed = sides.filter((side) => typeof side === 'number');
  if (new Set(fixed).size > 1) {
    throw unsupported(`the input ${describe(input)} is not square`, 'Export it for square pictures.', '--input-size');
  }
  const size = asked ?? fixed[0];
  if (size === undefined) {
    throw unsupported(
      `the input ${describe(input)} does not say how large the pictures are`,
      'Give the size that the encoder was trained with: --input-size 224',
      '--input-size',
    );
  }
  if (fixed[0] !== undefined && fixed[0] !== size) {
    throw unsupported(
      `the input ${describe(input)} takes pictures of ${fixed[0]} px, not of ${size}`,
      `Give --input-size ${fixed[0]}, or leave it away.`,
      '--input-size',
    );
  }
  return size;
}

/** @throws KindredError import-unsupported unless it is a type that pictures come as */
export function typeOf(input: Onnx.IValueInfoProto, file: string): PixelType {
  const type = input.type?.tensorType?.elemType ?? 0;
  const found = pixelTypes.get(type);
  if (found) return found;
  throw unsupported(
    `the input ${describe(input)} of ${file} is of type ${onnx.TensorProto.DataType[type] ?? 'unknown'}`,
    'Export it with a float32, float16 or uint8 input.',
  );
}
