import { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Transferable } from 'node:worker_threads';
import { fromPlainError, KindredError } from '../../core/errors.js';
import { workerUrl } from '../../core/worker-url.js';
import type { CallName, OwnerCalls, ReplyMessage } from './protocol.js';

/** The main thread's end of the line to the owner. */
export class OwnerClient {
  readonly #worker: Worker;
  /** One event per call, named by its number: keeps each reply's type with its call. */
  readonly #replies = new EventEmitter();
  readonly #inFlight = new Map<number, (error: KindredError) => void>();
  readonly #gone: Promise<void>;
  #count = 0;
  #fault: KindredError | undefined;

  constructor(script = workerUrl('./owner-worker.js', import.meta.url)) {
    this.#worker = new Worker(script, {
      name: 'kindred-catalogue',
      // Flags such as --input-type or a test runner's loaders are not for this thread.
      execArgv: [],
    });
    this.#replies.setMaxListeners(0);
    this.#worker.on('message', (message: ReplyMessage<unknown>) => {
      this.#inFlight.delete(message.number);
      this.#replies.emit(String(message.number), message.reply);
    });
    this.#worker.on('error', (error) => this.#fail(error.message, error));
    this.#gone = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#fail(`exit code ${code}`);
        resolve();
      });
    });
  }

  /** @throws KindredError whatever the owner threw; worker-died when it is gone */
  call<Name extends CallName>(
    name: Name,
    args: OwnerCalls[Name]['args'],
    transfer: Transferable[] = [],
  ): Promise<OwnerCalls[Name]['result']> {
    if (this.#fault) return Promise.reject(this.#fault);
    const number = ++this.#count;
    return new Promise((resolve, reject) => {
      // First, for it throws when something cannot be sent; the reply comes in a later turn.
      this.#worker.postMessage({ number, name, args }, transfer);
      this.#replies.once(String(number), (reply: ReplyMessage<OwnerCalls[Name]['result']>['reply']) => {
        if (reply.ok) resolve(reply.result);
        else reject(fromPlainError(reply.error));
      });
      this.#inFlight.set(number, reject);
    });
  }

  /** Resolves when the thread has ended. */
  gone(): Promise<void> {
    return this.#gone;
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(reason: string, cause?: unknown): void {
    this.#fault ??= new KindredError('worker-died', `the catalogue's worker has stopped (${reason})`, {
      hint: 'Open the index again; everything acknowledged is stored.',
      cause,
    });
    for (const [number, reject] of this.#inFlight) {
      this.#replies.removeAllListeners(String(number));
      reject(this.#fault);
    }
    this.#inFlight.clear();
  }
}
