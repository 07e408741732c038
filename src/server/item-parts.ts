import { Buffer } from 'node:buffer';
import type { Request } from 'express';
import type { Busboy } from 'busboy';
import { KindredError } from '../core/errors.js';
import { openParser, unreadable } from './middleware/form.js';
import { bodyTooLarge } from './problem.js';

/** One item of a batch, as sent: JSON, and in a form the picture that came behind it. */
export interface BatchEntry {
  readonly json: Buffer;
  readonly image?: Buffer | undefined;
  /** Why it cannot be written, whatever it says. */
  readonly fault?: KindredError | undefined;
}

interface Coming {
  readonly json: Buffer;
  fault: KindredError | undefined;
  /** Of its picture; undefined while none has come. */
  chunks: Buffer[] | undefined;
  whole: boolean;
}

/** Text of an item without its picture. */
const mostItemBytes = 256 * 1024;

function isNext(coming: Coming | undefined): coming is Coming {
  return coming?.whole === true;
}

/** The items that are whole, in order. */
function* takeWhole(queue: Coming[]): Generator<BatchEntry> {
  for (let [next] = queue; isNext(next); [next] = queue) {
    queue.shift();
    yield { json: next.json, image: next.chunks && Buffer.concat(next.chunks), fault: next.fault };
  }
}

/** Collects items from a parser's events into `queue`. What cannot go on is told to `fail`. */
function collect(parser: Busboy, queue: Coming[], imageBytes: number, fail: (error: KindredError) => void): void {
  parser.on('field', (name, value, { nameTruncated, valueTruncated }) => {
    const before = queue.at(-1);
    if (before && !before.chunks) before.whole = true;
    if (name !== 'item' || nameTruncated) {
      fail(new KindredError('invalid-option', 'a batch has the fields item and image alone', { field: 'item' }));
      return;
    }
    const fault = valueTruncated
      ? new KindredError('body-too-large', `an item without its picture has at most ${mostItemBytes} bytes`)
      : undefined;
    queue.push({ json: Buffer.from(value), fault, chunks: undefined, whole: false });
  });
  parser.on('file', (name, file) => {
    const item = queue.at(-1);
    file.on('error', (error) => fail(unreadable(error))); // the form ended within it
    if (name !== 'image' || !item || item.chunks) {
      file.resume();
      fail(
        new KindredError('invalid-option', 'a picture comes in the field image, behind its item', { field: 'image' }),
      );
      return;
    }
    item.chunks = [];
    file.on('data', (chunk: Buffer) => {
      if (!item.fault) item.chunks?.push(chunk);
    });
    file.on('limit', () => {
      item.fault = bodyTooLarge(undefined, imageBytes);
      item.chunks = [];
    });
    file.on('end', () => (item.whole = true));
  });
  parser.on('error', (error) => fail(unreadable(error)));
}

/**
 * The items of a form: `item` (JSON) and behind it, where it has one, its picture `image`, over and over. Each is given
 * when it is whole, and no more is read meanwhile; at most one picture and one chunk are held.
 * @throws KindredError invalid-option, invalid-request, and what reading the chunks throws
 */
export async function* readItemParts(
  request: Request,
  chunks: AsyncIterable<Buffer>,
  imageBytes: number,
): AsyncGenerator<BatchEntry> {
  const parser = openParser(request, { fileSize: imageBytes, fieldSize: mostItemBytes, fieldNameSize: 100 });
  const queue: Coming[] = [];
  let failure: KindredError | undefined;
  collect(parser, queue, imageBytes, (error) => (failure ??= error));
  const closed = new Promise<void>((resolve) => parser.once('close', () => resolve()));
  const written = (chunk: Buffer): Promise<void> => new Promise((resolve) => parser.write(chunk, () => resolve()));
  try {
    for await (const chunk of chunks) {
      await Promise.race([written(chunk), closed]);
      yield* takeWhole(queue);
      if (failure) throw failure;
    }
    parser.end();
    await closed;
    const last = queue.at(-1);
    if (last && !last.chunks && !failure) last.whole = true;
    yield* takeWhole(queue);
    if (failure) throw failure;
  } finally {
    parser.destroy();
  }
}
