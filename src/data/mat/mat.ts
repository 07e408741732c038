import { readFile } from 'node:fs/promises';
import { isSystemError, KindredError } from '../../core/errors.js';
import { type Element, elementTypes, MatDamage, readElement, readNumbers, readText } from './elements.js';

/** A MATLAB array. Elements are in MATLAB's order: the first index runs fastest. */
export type MatValue =
  | { readonly kind: 'numbers'; readonly values: readonly number[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'cells'; readonly values: readonly MatValue[] }
  | { readonly kind: 'structs'; readonly values: readonly ReadonlyMap<string, MatValue>[] }
  /** Sparse arrays, objects, functions: passed over. */
  | { readonly kind: 'other' };

const classes = { cell: 1, struct: 2, char: 4, firstNumeric: 6, lastNumeric: 15 } as const;
const deepest = 16;

/** Reads element after element of an array. */
function createCursor(bytes: Buffer): { next(): Element; left(): number } {
  let at = 0;
  return {
    next() {
      const element = readElement(bytes, at);
      at = element.next;
      return element;
    },
    left: () => bytes.length - at,
  };
}

function countOf(dimensions: readonly number[], left: number): number {
  const count = dimensions.reduce((product, size) => product * size, 1);
  // Every element of a cell or struct array takes 8 bytes at least: no huge array out of a damaged size.
  if (!(count >= 0) || count * 8 > left + 8) throw new MatDamage('an array of an impossible size');
  return count;
}

function readMatrix(bytes: Buffer, depth: number): { name: string; value: MatValue } {
  if (bytes.length === 0) return { name: '', value: { kind: 'numbers', values: [] } };
  if (depth > deepest) throw new MatDamage('arrays in arrays beyond any need');
  const cursor = createCursor(bytes);
  const [flags = 0] = readNumbers(cursor.next());
  const kind = flags & 0xff;
  const dimensions = readNumbers(cursor.next());
  const name = readText(cursor.next());
  const child = (): MatValue => {
    const element = cursor.next();
    if (element.type !== elementTypes.matrix) throw new MatDamage(`an element of type ${element.type} in an array`);
    return readMatrix(element.data, depth + 1).value;
  };
  if (kind === classes.cell) {
    const values = Array.from({ length: countOf(dimensions, cursor.left()) }, child);
    return { name, value: { kind: 'cells', values } };
  }
  if (kind === classes.struct) {
    const [width = 0] = readNumbers(cursor.next());
    if (width < 1) throw new MatDamage('a struct with field names of no length');
    const { data: text } = cursor.next();
    const fields = Array.from({ length: text.length / width }, (_, index) =>
      text.toString('latin1', index * width, (index + 1) * width).replace(/\0.*$/s, ''),
    );
    const count = fields.length === 0 ? 0 : countOf(dimensions, cursor.left());
    const values = Array.from({ length: count }, () => new Map(fields.map((field) => [field, child()])));
    return { name, value: { kind: 'structs', values } };
  }
  if (kind === classes.char) return { name, value: { kind: 'text', text: readText(cursor.next()) } };
  if (kind >= classes.firstNumeric && kind <= classes.lastNumeric) {
    return { name, value: { kind: 'numbers', values: readNumbers(cursor.next()) } };
  }
  return { name, value: { kind: 'other' } };
}

function parse(bytes: Buffer): Map<string, MatValue> {
  if (bytes.toString('latin1', 0, 10) === 'MATLAB 7.3')
    throw new MatDamage('the format of MATLAB 7.3 (save it with -v7)');
  const order = bytes.toString('latin1', 126, 128);
  if (order === 'MI') throw new MatDamage('big-endian numbers');
  if (order !== 'IM') throw new MatDamage('no header of a MATLAB 5 file');
  const variables = new Map<string, MatValue>();
  for (let at = 128; at < bytes.length;) {
    const element = readElement(bytes, at);
    at = element.next;
    if (element.type !== elementTypes.matrix) throw new MatDamage(`a variable of type ${element.type}`);
    const { name, value } = readMatrix(element.data, 0);
    variables.set(name, value);
  }
  return variables;
}

/**
 * The variables of a MATLAB level 5 file (`save -v6` and `-v7`), by name: numbers, text, cells and structs, compressed or not.
 * After "MAT-File Format", The MathWorks.
 * @throws KindredError file-not-found, file-unreadable, dataset-invalid saying what was found in it
 */
export async function readMat(path: string): Promise<ReadonlyMap<string, MatValue>> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const missing = isSystemError(error, 'ENOENT');
    throw new KindredError(
      missing ? 'file-not-found' : 'file-unreadable',
      `${missing ? 'there is no file' : 'cannot read'} ${path}`,
      { hint: 'Check the path.', cause: error },
    );
  }
  try {
    return parse(bytes);
  } catch (error) {
    if (!(error instanceof MatDamage) && !(error instanceof RangeError)) throw error;
    const what = error instanceof MatDamage ? error.message : 'an element that is cut off';
    throw new KindredError('dataset-invalid', `${path} is no MATLAB file that can be read: it holds ${what}`, {
      hint: 'Fetch it again.',
      cause: error,
    });
  }
}
