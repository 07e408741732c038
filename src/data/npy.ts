import { KindredError } from '../core/errors.js';

/** A matrix as numpy writes it. */
export interface NpyMatrix {
  readonly rows: number;
  readonly columns: number;
  /** Row by row. */
  readonly values: Float32Array | Float64Array;
}

const magic = Buffer.from('\x93NUMPY', 'latin1');

/** The values start at a multiple of this, so that they can be mapped into memory. */
const alignment = 64;

/** A float32 matrix in numpy's format 1.0, little-endian, in C order (numpy.lib.format). */
export function encodeNpy(values: Float32Array, rows: number, columns: number): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const unpadded = magic.length + 4 + text.length + 1;
  const header = `${text}${' '.repeat((alignment - (unpadded % alignment)) % alignment)}\n`;
  const start = magic.length + 4 + header.length;
  const file = Buffer.alloc(start + rows * columns * 4);
  magic.copy(file);
  file.set([1, 0], magic.length);
  file.writeUInt16LE(header.length, magic.length + 2);
  file.write(header, magic.length + 4, 'latin1');
  for (let i = 0; i < rows * columns; i++) file.writeFloatLE(values[i] ?? 0, start + 4 * i);
  return file;
}

function refused(name: string, what: string): KindredError {
  return new KindredError('file-unreadable', `${name} ${what}`, {
    hint: 'Save it with numpy.save(FILE, vectors.astype("float32")), a matrix with one vector a row.',
  });
}

/**
 * Reads a matrix in numpy's format 1.0, 2.0 or 3.0: float32 or float64, little-endian, in C order.
 * @param name as messages call it
 * @throws KindredError file-unreadable
 */
export function decodeNpy(file: Uint8Array, name: string): NpyMatrix {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < 12 || !bytes.subarray(0, magic.length).equals(magic)) throw refused(name, 'is no .npy file');
  const wide = bytes.readUInt8(magic.length) >= 2;
  if (bytes.readUInt8(magic.length) > 3) throw refused(name, 'has a newer .npy format than is known');
  const textStart = magic.length + (wide ? 6 : 4);
  const start = textStart + (wide ? bytes.readUInt32LE(magic.length + 2) : bytes.readUInt16LE(magic.length + 2));
  const header = bytes.toString('latin1', textStart, Math.min(start, bytes.length));
  const type = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const width = type === '<f4' ? 4 : type === '<f8' ? 8 : undefined;
  if (width === undefined) throw refused(name, `holds values of type ${type ?? 'unknown'}, not <f4 or <f8`);
  if (!/'fortran_order'\s*:\s*False/.test(header)) throw refused(name, 'is in Fortran order');
  const shape = /'shape'\s*:\s*\(\s*(\d+)\s*,\s*(\d+)\s*,?\s*\)/.exec(header);
  if (!shape) throw refused(name, 'is no matrix');
  const [rows, columns] = [Number(shape[1]), Number(shape[2])];
  const expected = start + rows * columns * width;
  if (bytes.length !== expected) throw refused(name, `has ${bytes.length} bytes where its header says ${expected}`);
  const count = rows * columns;
  if (width === 4)
    return { rows, columns, values: Float32Array.from({ length: count }, (_, i) => bytes.readFloatLE(start + 4 * i)) };
  return { rows, columns, values: Float64Array.from({ length: count }, (_, i) => bytes.readDoubleLE(start + 8 * i)) };
}
