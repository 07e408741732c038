import type { Request } from 'express';
import { z } from 'zod';
import { KindredError } from '../core/errors.js';
import { type BatchEntry, readItemParts } from './item-parts.js';
import { parseJson } from './middleware/body.js';
import { batchTooLarge, readChunks, readLines } from './ndjson.js';

export interface BatchLimits {
  /** Of one picture. */
  readonly bodyBytes: number;
  readonly batchBytes: number;
}

const unsupported = (message: string): KindredError =>
  new KindredError('content-type-unsupported', message, {
    hint: 'Send it with: curl -H "content-type: application/x-ndjson" --data-binary @items.ndjson.',
  });

/**
 * What a batch is made of, a line or a form's item each, read as it is asked for.
 * @throws KindredError content-type-unsupported, body-too-large; while it is read, invalid-request and invalid-option
 */
export function readEntries(request: Request, { bodyBytes, batchBytes }: BatchLimits): AsyncIterable<BatchEntry> {
  const { 'content-encoding': encoding = 'identity', 'content-length': length = '0' } = request.headers;
  if (encoding !== 'identity') throw unsupported('a batch is not compressed');
  const form = request.is('multipart/form-data') === 'multipart/form-data';
  if (!form && request.is(['application/x-ndjson', 'application/jsonl']) === false) {
    throw unsupported('the body must be application/x-ndjson or multipart/form-data');
  }
  if (Number(length) > batchBytes) throw batchTooLarge(batchBytes);
  const chunks = readChunks(request, batchBytes);
  if (form) return readItemParts(request, chunks, bodyBytes);
  const mostLineBytes = Math.ceil((bodyBytes * 4) / 3) + 256 * 1024;
  return asEntries(readLines(chunks, mostLineBytes));
}

async function* asEntries(lines: AsyncIterable<Buffer>): AsyncGenerator<BatchEntry> {
  for await (const json of lines) yield { json };
}

export function sizeOfEntry({ json, image }: BatchEntry): number {
  return json.length + (image?.length ?? 0);
}

/** What an entry calls its item, where it can be read at all. */
export function idIn({ json }: BatchEntry): string | null {
  try {
    const parsed = z.looseObject({ id: z.string().max(512) }).safeParse(parseJson(json));
    return parsed.success ? parsed.data.id : null;
  } catch {
    return null;
  }
}

/** All at once, but entries of one item one after another: the last one is what stays. */
export async function inOrderPerId<T>(
  entries: readonly BatchEntry[],
  run: (entry: BatchEntry, index: number) => Promise<T>,
): Promise<T[]> {
  const last = new Map<string | null, Promise<T>>();
  return Promise.all(
    entries.map((entry, index) => {
      const id = idIn(entry);
      const before = id === null ? undefined : last.get(id);
      const result = before ? before.then(() => run(entry, index)) : run(entry, index);
      last.set(id, result);
      return result;
    }),
  );
}
