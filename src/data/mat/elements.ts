import { constants, inflateSync } from 'node:zlib';

/** A stretch of a MAT-file: its type and where its content lies in `data`. */
export interface Element {
  readonly type: number;
  readonly data: Buffer;
  /** Where the next element begins. */
  readonly next: number;
}

/** What is wrong with the bytes; the caller knows the file's name. */
export class MatDamage extends Error {}

export const elementTypes = { matrix: 14, compressed: 15 } as const;

/** An annotation file has a few MB; anything that unpacks to more is none. */
const mostBytes = 2 ** 28;

const numberReaders: Readonly<Record<number, readonly [size: number, read: (data: Buffer, at: number) => number]>> = {
  1: [1, (data, at) => data.readInt8(at)],
  2: [1, (data, at) => data.readUInt8(at)],
  3: [2, (data, at) => data.readInt16LE(at)],
  4: [2, (data, at) => data.readUInt16LE(at)],
  5: [4, (data, at) => data.readInt32LE(at)],
  6: [4, (data, at) => data.readUInt32LE(at)],
  7: [4, (data, at) => data.readFloatLE(at)],
  9: [8, (data, at) => data.readDoubleLE(at)],
  12: [8, (data, at) => Number(data.readBigInt64LE(at))],
  13: [8, (data, at) => Number(data.readBigUInt64LE(at))],
};

/** The numbers of an element, whichever width they are stored in: MATLAB picks the narrowest that holds them. */
export function readNumbers({ type, data }: Element): number[] {
  const reader = numberReaders[type];
  if (!reader) throw new MatDamage(`numbers of type ${type}`);
  const [size, read] = reader;
  if (data.length % size !== 0) throw new MatDamage('numbers that are cut off');
  return Array.from({ length: data.length / size }, (_, index) => read(data, index * size));
}

/** Characters: UTF-8 (16), UTF-16 (17) or one number each. */
export function readText(element: Element): string {
  if (element.type === 16) return element.data.toString('utf8');
  if (element.type === 17) return element.data.toString('utf16le');
  return readNumbers(element)
    .map((code) => String.fromCharCode(code))
    .join('');
}

/** The element at an offset: 8 bytes of tag and content filled up to 8 bytes, or all of it in 8 bytes. */
export function readElement(bytes: Buffer, at: number): Element {
  if (at + 8 > bytes.length) throw new MatDamage('an element that is cut off');
  const first = bytes.readUInt32LE(at);
  const shortSize = first >>> 16;
  if (shortSize > 0) {
    if (shortSize > 4) throw new MatDamage('a short element of more than 4 bytes');
    return { type: first & 0xffff, data: bytes.subarray(at + 4, at + 4 + shortSize), next: at + 8 };
  }
  const size = bytes.readUInt32LE(at + 4);
  const end = at + 8 + size;
  if (end > bytes.length) throw new MatDamage('an element that is cut off');
  const data = bytes.subarray(at + 8, end);
  if (first !== elementTypes.compressed) return { type: first, data, next: at + 8 + Math.ceil(size / 8) * 8 };
  try {
    // Some writers leave the end marker out.
    const unpacked = inflateSync(data, { maxOutputLength: mostBytes, finishFlush: constants.Z_SYNC_FLUSH });
    return { ...readElement(unpacked, 0), next: end };
  } catch (error) {
    if (error instanceof MatDamage) throw error;
    throw new MatDamage('a compressed element that cannot be unpacked', { cause: error });
  }
}
