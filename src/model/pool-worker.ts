import { parentPort, type Transferable } from 'node:worker_threads';
import { toPlainError } from '../core/errors.js';
import type { FromWorker, ToWorker } from './pool-protocol.js';

export interface Answer<Response> {
  readonly response: Response;
  /** Buffers of the response to move instead of copying, e.g. `[activations.buffer]`. */
  readonly transfer?: readonly Transferable[];
}

/**
 * The worker's end of a pool: call it once, at the top of the worker's file. `setup` prepares what every job needs (a
 * session) and returns the function that does one job; what either throws reaches the pool's caller as a KindredError.
 */
// The rule misses that the three are inferred from `setup` and tie its two functions together.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function runPoolWorker<Setup, Request, Response>(
  setup: (options: Setup) => Promise<(request: Request) => Promise<Answer<Response>>>,
): void {
  const port = parentPort;
  if (port === null) throw new Error('this file only runs as a worker thread');
  const send = (message: FromWorker<Response>, transfer: readonly Transferable[] = []): void =>
    port.postMessage(message, transfer);
  let work: ((request: Request) => Promise<Answer<Response>>) | undefined;

  const receive = async (message: ToWorker<Setup, Request>): Promise<void> => {
    if (message.kind === 'setup') {
      try {
        work = await setup(message.setup);
        send({ kind: 'ready' });
      } catch (error) {
        send({ kind: 'failed', error: toPlainError(error) });
      }
      return;
    }
    try {
      if (work === undefined) throw new Error('a job came before the set-up was done');
      const { response, transfer } = await work(message.request);
      send({ kind: 'done', id: message.id, response }, transfer);
    } catch (error) {
      send({ kind: 'error', id: message.id, error: toPlainError(error) });
    }
  };
  port.on('message', (message: ToWorker<Setup, Request>) => void receive(message));
}
