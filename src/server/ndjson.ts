import { Buffer } from 'node:buffer';
import type { Readable } from 'node:stream';
import { KindredError } from '../core/errors.js';

const lineFeed = 10;

/**
 * A request's body as it comes. When reading ends early the connection stays, so that its sender can be told why.
 * @throws KindredError body-too-large
 */
export async function* readChunks(request: Readable, mostBytes: number): AsyncGenerator<Buffer> {
  let size = 0;
  const chunks: AsyncIterable<unknown> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of chunks) {
    if (!Buffer.isBuffer(chunk)) throw new KindredError('internal', 'the request gave text instead of bytes');
    size += chunk.length;
    if (size > mostBytes) throw batchTooLarge(mostBytes);
    yield chunk;
  }
}

export function batchTooLarge(mostBytes: number): KindredError {
  return new KindredError('body-too-large', `a batch has at most ${Math.round(mostBytes / 1e5) / 10} MB`, {
    hint: 'Send it in several.',
  });
}

/**
 * The lines of a stream, without their line breaks; empty ones are left out. At most one line and one chunk are held.
 * @throws KindredError body-too-large for a line of more than `mostBytes`
 */
export async function* readLines(stream: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  const take = (part: Buffer): void => {
    size += part.length;
    if (size > mostBytes) {
      throw new KindredError('body-too-large', `a line is longer than ${Math.round(mostBytes / 1e5) / 10} MB`, {
        hint: 'Send smaller pictures, each on a line of its own.',
      });
    }
    parts.push(part);
  };
  const line = (): Buffer => {
    const whole = Buffer.concat(parts);
    parts = [];
    size = 0;
    return whole.at(-1) === 13 ? whole.subarray(0, -1) : whole;
  };
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      take(chunk.subarray(start, end));
      start = end + 1;
      const found = line();
      if (found.length > 0) yield found;
    }
    if (start < chunk.length) take(chunk.subarray(start));
  }
  const last = line();
  if (last.length > 0) yield last;
}

export interface Grouping<T> {
  readonly count: number;
  readonly mostBytes: number;
  readonly sizeOf: (item: T) => number;
}

/** Items in groups of at most `count`, closed earlier when they together reach `mostBytes`. */
export async function* inGroups<T>(
  items: AsyncIterable<T>,
  { count, mostBytes, sizeOf }: Grouping<T>,
): AsyncGenerator<T[]> {
  let group: T[] = [];
  let bytes = 0;
  for await (const item of items) {
    group.push(item);
    bytes += sizeOf(item);
    if (group.length < count && bytes < mostBytes) continue;
    yield group;
    group = [];
    bytes = 0;
  }
  if (group.length > 0) yield group;
}
