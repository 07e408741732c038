import { parentPort } from 'node:worker_threads';
import { toPlainError } from '../../core/errors.js';
import type { AnyCall, CallMessage, CallName, OwnerHandlers, OwnerOptions } from './protocol.js';
import { sqliteError } from './sqlite-errors.js';

/**
 * Makes this worker thread the owner's end of the line: opens it at the first message and answers each call with a
 * reply of the same number.
 */
export function answerCalls(open: (options: OwnerOptions) => Promise<OwnerHandlers>): void {
  let opening: Promise<OwnerHandlers> | undefined;
  let folder = '';

  const answer = async <Name extends CallName>(call: CallMessage<Name>): Promise<void> => {
    const port = parentPort;
    if (!port) return;
    try {
      const handlers = await opening;
      if (!handlers) throw new Error('a call came before the catalogue was opened');
      const result = await handlers[call.name](call.args);
      port.postMessage(
        { number: call.number, reply: { ok: true, result } },
        result instanceof Float32Array && result.buffer instanceof ArrayBuffer ? [result.buffer] : [],
      );
    } catch (error) {
      const plain = toPlainError(sqliteError(error, folder));
      port.postMessage({ number: call.number, reply: { ok: false, error: plain } });
    }
    if (call.name === 'close') port.close();
  };

  parentPort?.on('message', (call: AnyCall) => {
    if (call.name === 'open') {
      folder = call.args.folder;
      opening = open(call.args);
    }
    void answer(call);
  });
}
