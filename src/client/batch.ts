import type { BatchResult } from '../server/schemas/writes.js';
import { KindredClientError } from './error.js';
import { isBatchResult } from './guards.js';
import { batchLineText, type BatchLine } from './requests.js';
import type { CallOptions, Transport } from './transport.js';

/** Lines and bytes of one request: each is sent whole, so that it can be sent again. */
const mostLines = 500;
const mostBytes = 8_000_000;

async function* inRequests(lines: Iterable<BatchLine> | AsyncIterable<BatchLine>): AsyncGenerator<string[]> {
  let texts: string[] = [];
  let bytes = 0;
  for await (const line of lines) {
    const text = await batchLineText(line);
    if (texts.length >= mostLines || (texts.length > 0 && bytes + text.length > mostBytes)) {
      yield texts;
      [texts, bytes] = [[], 0];
    }
    texts.push(text);
    bytes += text.length;
  }
  if (texts.length > 0) yield texts;
}

function parseResults(text: string): BatchResult[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const result: unknown = JSON.parse(line);
      if (isBatchResult(result)) return result;
      const detail = 'a line of the answer is no result';
      throw new KindredClientError({ code: 'unexpected-answer', detail }, { status: 200 });
    });
}

/** Sends lines as they come, some hundred a request; results come in their order, `line` counting all of them from 1. */
export async function* writeLines(
  transport: Transport,
  lines: Iterable<BatchLine> | AsyncIterable<BatchLine>,
  { signal }: CallOptions,
): AsyncGenerator<BatchResult> {
  let before = 0;
  for await (const texts of inRequests(lines)) {
    const response = await transport.send({
      method: 'POST',
      path: 'v1/items:batch',
      headers: { 'content-type': 'application/x-ndjson' },
      body: texts.join('\n'),
      signal,
    });
    for (const result of parseResults(await response.text())) yield { ...result, line: before + result.line };
    before += texts.length;
  }
}
