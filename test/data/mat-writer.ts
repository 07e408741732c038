/** Writes MATLAB level 5 files as MATLAB itself does: independent of the reader, after "MAT-File Format", The MathWorks. */
import { deflateSync } from 'node:zlib';

const types = { int8: 1, uint8: 2, uint16: 4, int32: 5, uint32: 6, double: 9, matrix: 14, compressed: 15 } as const;
const classes = { cell: 1, struct: 2, char: 4, double: 6, uint8: 9 } as const;

function element(type: number, data: Buffer): Buffer {
  if (data.length > 0 && data.length <= 4) {
    const short = Buffer.alloc(8);
    short.writeUInt32LE((data.length << 16) | type, 0);
    data.copy(short, 4);
    return short;
  }
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(type, 0);
  tag.writeUInt32LE(data.length, 4);
  return Buffer.concat([tag, data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
}

function int32s(...values: number[]): Buffer {
  const data = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => data.writeInt32LE(value, index * 4));
  return data;
}

function matrix(kind: number, dimensions: readonly number[], name: string, ...parts: Buffer[]): Buffer {
  const flags = Buffer.alloc(8);
  flags.writeUInt32LE(kind, 0);
  return element(
    types.matrix,
    Buffer.concat([
      element(types.uint32, flags),
      element(types.int32, int32s(...dimensions)),
      element(types.int8, Buffer.from(name, 'latin1')),
      ...parts,
    ]),
  );
}

export function textArray(text: string, name = ''): Buffer {
  return matrix(classes.char, [1, text.length], name, element(types.uint16, Buffer.from(text, 'utf16le')));
}

/** A 1 × 1 array of class double, stored in one byte where it fits, as MATLAB does. */
export function numberArray(value: number, name = ''): Buffer {
  if (Number.isInteger(value) && value >= 0 && value < 256) {
    return matrix(classes.double, [1, 1], name, element(types.uint8, Buffer.from([value])));
  }
  const data = Buffer.alloc(8);
  data.writeDoubleLE(value);
  return matrix(classes.double, [1, 1], name, element(types.double, data));
}

export function cellArray(cells: readonly Buffer[], name: string): Buffer {
  return matrix(classes.cell, [1, cells.length], name, ...cells);
}

const fieldWidth = 32;

export function structArray(fields: readonly string[], rows: readonly (readonly Buffer[])[], name: string): Buffer {
  const names = Buffer.alloc(fields.length * fieldWidth);
  fields.forEach((field, index) => names.write(field, index * fieldWidth, 'latin1'));
  return matrix(
    classes.struct,
    [1, rows.length],
    name,
    element(types.int32, int32s(fieldWidth)),
    element(types.int8, names),
    ...rows.flat(),
  );
}

export function matFile(variables: readonly Buffer[], options: { readonly compressed?: boolean } = {}): Buffer {
  const header = Buffer.alloc(128, ' ');
  header.write('MATLAB 5.0 MAT-file, Platform: GLNXA64, Created on: Mon Nov 25 00:00:00 2013', 0, 'latin1');
  header.fill(0, 116, 124);
  header.writeUInt16LE(0x0100, 124);
  header.write('IM', 126, 'latin1');
  if (options.compressed === false) return Buffer.concat([header, ...variables]);
  const packed = variables.map((variable) => {
    const data = deflateSync(variable);
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(types.compressed, 0);
    tag.writeUInt32LE(data.length, 4);
    return Buffer.concat([tag, data]);
  });
  return Buffer.concat([header, ...packed]);
}
