import { once } from 'node:events';
import type { Response } from 'express';
import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import type { ItemWriter } from '../../indexing/item-writer.js';
import { itemNotFound } from '../../search/search.js';
import type { Log } from '../log.js';
import { parseJson } from '../middleware/body.js';
import { inGroups, readLines } from '../ndjson.js';
import { toKindredError, toProblem } from '../problem.js';
import type { Route } from '../route.js';
import { problemSchema } from '../schemas/api.js';
import { parseRequest } from '../schemas/issues.js';
import { batchLineSchema } from '../schemas/writes.js';
import { checkId, contentOf, requireWrites, writeErrors, type ItemWriteDeps } from './item-writes.js';

/** Lines of one request. */
const mostLines = 100_000;
/** Lines at work at once: enough to fill the embedder's workers and to share commits. */
const groupSize = 32;

/** One line of the answer, in the order of the request's lines. */
export const batchResultSchema = z.object({
  /** Of the request, from 1; empty ones are not counted. */
  line: z.number().int(),
  /** Null where the line does not even tell it. */
  id: z.string().nullable(),
  outcome: z.enum(['added', 'replaced', 'unchanged', 'deleted', 'failed']),
  problem: problemSchema.optional(),
});
export type BatchResult = z.infer<typeof batchResultSchema>;

interface BatchDeps extends Omit<ItemWriteDeps, 'readBody'> {
  readonly log: Log;
  /** Of the picture on a line. */
  readonly bodyBytes: number;
}

export function itemBatchRoutes({ writes, inspect, running, log, bodyBytes }: BatchDeps): Route[] {
  const write = async (writer: ItemWriter, bytes: Buffer): Promise<Omit<BatchResult, 'line' | 'problem'>> => {
    const { id, op, image, vector, label = null, metadata = {} } = parseRequest(batchLineSchema, parseJson(bytes));
    checkId(id);
    if (op === 'delete') {
      if (await writer.delete(id)) return { id, outcome: 'deleted' };
      throw itemNotFound(id);
    }
    const content = contentOf(image, vector);
    if (content !== 'kept' && 'image' in content) await inspect?.(content.image, 'stored');
    const { outcome } = await writer.put({ id, label, metadata, content });
    return { id, outcome };
  };

  const attempt = async (writer: ItemWriter, bytes: Buffer, line: number): Promise<BatchResult> => {
    try {
      return { line, ...(await write(writer, bytes)) };
    } catch (thrown) {
      const error = toKindredError(thrown);
      const problem = toProblem(error);
      if (problem.status >= 500) log.error({ err: error, cause: error.cause, line }, 'a line of a batch failed');
      return { line, id: idIn(bytes), outcome: 'failed', problem };
    }
  };

  const answerAll = async (writer: ItemWriter, lines: AsyncIterable<Buffer>, response: Response): Promise<void> => {
    let count = 0;
    const send = async (results: readonly BatchResult[]): Promise<void> => {
      if (!response.headersSent) response.type('application/x-ndjson');
      const room = response.write(results.map((result) => `${JSON.stringify(result)}\n`).join(''));
      if (!room) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    };
    try {
      for await (const group of inGroups(lines, { count: groupSize, mostBytes: bodyBytes * 2 })) {
        const first = count + 1;
        count += group.length;
        if (count > mostLines) throw new KindredError('body-too-large', `a batch has at most ${mostLines} lines`);
        await send(await inOrderPerId(group, (bytes, index) => attempt(writer, bytes, first + index)));
        if (response.destroyed) return;
      }
      if (count === 0) {
        throw new KindredError('invalid-request', 'the batch has no lines', { hint: 'Send one JSON object a line.' });
      }
    } catch (thrown) {
      if (!response.headersSent) throw thrown;
      // Results are out already: what ends the batch is the last of them.
      const problem = toProblem(toKindredError(thrown));
      if (problem.status >= 500) log.error({ err: thrown }, 'a batch failed');
      await send([{ line: count + 1, id: null, outcome: 'failed', problem }]);
    }
    response.end();
  };

  return [
    {
      method: 'post',
      scope: 'write',
      path: '/v1/items\\:batch',
      operation: 'writeItems',
      summary: 'Adds, replaces and deletes many items: a line of JSON each, answered by a line each',
      lines: batchLineSchema,
      answer: {
        lines: batchResultSchema,
        about: 'A result a line, in order, as they are durable; a bad line stops no other.',
      },
      errors: [...writeErrors, 'body-too-large', 'content-type-unsupported'],
      handle: (request, response) => {
        const writer = requireWrites(writes);
        if (request.is(['application/x-ndjson', 'application/jsonl']) === false) {
          throw new KindredError('content-type-unsupported', 'the body must be application/x-ndjson', {
            hint: 'Send it with: curl -H "content-type: application/x-ndjson" --data-binary @items.ndjson.',
          });
        }
        const mostLineBytes = Math.ceil((bodyBytes * 4) / 3) + 256 * 1024;
        return running.run(() => answerAll(writer, readLines(request, mostLineBytes), response));
      },
    },
  ];
}

/** What a line calls its item, where it can be read at all. */
function idIn(bytes: Buffer): string | null {
  try {
    const parsed = z.looseObject({ id: z.string().max(512) }).safeParse(parseJson(bytes));
    return parsed.success ? parsed.data.id : null;
  } catch {
    return null;
  }
}

/** All at once, but lines of one item one after another: the last one is what stays. */
async function inOrderPerId<T>(
  lines: readonly Buffer[],
  run: (line: Buffer, index: number) => Promise<T>,
): Promise<T[]> {
  const last = new Map<string | null, Promise<T>>();
  return Promise.all(
    lines.map((line, index) => {
      const id = idIn(line);
      const before = id === null ? undefined : last.get(id);
      const result = before ? before.then(() => run(line, index)) : run(line, index);
      last.set(id, result);
      return result;
    }),
  );
}
