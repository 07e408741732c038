import { once } from 'node:events';
import type { Response } from 'express';
import { KindredError } from '../../core/errors.js';
import type { ItemWriter } from '../../indexing/item-writer.js';
import { itemNotFound } from '../../search/examples.js';
import { type BatchLimits, idIn, inOrderPerId, readEntries, sizeOfEntry } from '../batch-entries.js';
import type { Log } from '../log.js';
import { traceItem } from '../access/audit-trail.js';
import { parseJson } from '../middleware/body.js';
import type { BatchEntry } from '../item-parts.js';
import { inGroups } from '../ndjson.js';
import { toKindredError, toProblem } from '../problem.js';
import type { Route } from '../route.js';
import { parseRequest } from '../schemas/issues.js';
import { batchFormSchema, batchLineSchema, batchResultSchema, type BatchResult } from '../schemas/writes.js';
import { checkId, contentOf, requireWrites, writeErrors, type ItemWriteDeps } from './item-writes.js';

/** Lines, or items of a form, in one request. */
const mostLines = 100_000;
/** Lines at work at once: enough to fill the embedder's workers and to share commits. */
const groupSize = 32;

interface BatchDeps extends Omit<ItemWriteDeps, 'readBody'>, BatchLimits {
  readonly log: Log;
}

/** @throws KindredError when there is no use for the picture behind the item */
function checkAlone(picture: Buffer | undefined, others: Readonly<Record<string, boolean>>): void {
  for (const [other, given] of Object.entries(others)) {
    if (picture !== undefined && given) {
      throw new KindredError('invalid-option', `image cannot go with ${other}`, { field: 'image' });
    }
  }
}

export function itemBatchRoutes({ writes, inspect, log, ...limits }: BatchDeps): Route[] {
  const grouping = { count: groupSize, mostBytes: limits.bodyBytes * 2, sizeOf: sizeOfEntry };

  const write = async (writer: ItemWriter, entry: BatchEntry): Promise<Omit<BatchResult, 'line' | 'problem'>> => {
    if (entry.fault) throw entry.fault;
    const { id, op, image, vector, label = null, metadata = {} } = parseRequest(batchLineSchema, parseJson(entry.json));
    checkId(id);
    checkAlone(entry.image, { delete: op === 'delete', vector: vector !== undefined, base64: image !== undefined });
    if (op === 'delete') {
      if (await writer.delete(id)) return { id, outcome: 'deleted' };
      throw itemNotFound(id);
    }
    const content = entry.image ? { image: entry.image } : contentOf(image, vector);
    if (content !== 'kept' && 'image' in content) await inspect?.(content.image);
    const { outcome } = await writer.put({ id, label, metadata, content });
    return { id, outcome };
  };

  const attempt = async (writer: ItemWriter, entry: BatchEntry, line: number): Promise<BatchResult> => {
    try {
      return { line, ...(await write(writer, entry)) };
    } catch (thrown) {
      const error = toKindredError(thrown);
      const problem = toProblem(error);
      if (problem.status >= 500) log.error({ err: error, cause: error.cause, line }, 'a line of a batch failed');
      return { line, id: idIn(entry), outcome: 'failed', problem };
    }
  };

  const answerAll = async (
    writer: ItemWriter,
    entries: AsyncIterable<BatchEntry>,
    response: Response,
  ): Promise<void> => {
    let count = 0;
    const send = async (results: readonly BatchResult[]): Promise<void> => {
      for (const { id, outcome, problem } of results) traceItem(response, { item: id, outcome, code: problem?.code });
      if (!response.headersSent) response.type('application/x-ndjson');
      const room = response.write(results.map((result) => `${JSON.stringify(result)}\n`).join(''));
      if (!room) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    };
    try {
      for await (const group of inGroups(entries, grouping)) {
        const first = count + 1;
        count += group.length;
        if (count > mostLines)
          throw new KindredError('body-too-large', `a batch has at most ${mostLines} items`, {
            hint: 'Send it in several.',
          });
        await send(await inOrderPerId(group, (entry, index) => attempt(writer, entry, first + index)));
        if (response.destroyed) return;
      }
      if (count === 0) {
        throw new KindredError('invalid-request', 'the batch has no items', { hint: 'Send one JSON object a line.' });
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
      lines: { json: batchLineSchema, form: batchFormSchema },
      answer: {
        lines: batchResultSchema,
        about: 'A result a line, in order, as they are durable; a bad line stops no other.',
      },
      errors: [
        ...writeErrors.filter((code) => code !== 'precondition-failed'),
        'body-too-large',
        'content-type-unsupported',
      ],
      queue: 'writes',
      unhurried: true,
      handle: async (request, response) => {
        const writer = requireWrites(writes);
        try {
          await answerAll(writer, readEntries(request, limits), response);
        } finally {
          // What is left of a refused batch is dropped, so that its sender hears why instead of losing the connection.
          request.resume();
        }
      },
    },
  ];
}
