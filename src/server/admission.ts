import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import { KindredError } from '../core/errors.js';
import type { QueueName, Queues } from './queues.js';

/** What can be told of a request before anything is done for it. */
export type Asked = Pick<IncomingMessage, 'headers' | 'url'>;

/** How a request is let in and answered. */
export interface Admitted {
  /** Where it needs a place before its body is read; absent: nowhere. 'overloaded' then goes without saying. */
  readonly queue?: QueueName | ((request: Asked) => QueueName);
  /** True for what takes as long as it takes: no time-out. */
  readonly unhurried?: boolean;
  /** @param signal aborts when the client has gone away or the time for an answer is over */
  readonly handle: (request: Request, response: Response, signal: AbortSignal) => Promise<void> | void;
}

export interface Admission {
  readonly queues: Queues;
  /** Within which a request is answered, unless its route takes as long as it takes. */
  readonly requestMs: number;
}

const invited = new WeakSet<IncomingMessage>();

/**
 * Whether the client waits to be told before it sends the body. An answer now leaves that unsent for good: then the
 * connection cannot be used for another request.
 */
export function waitsForInvitation(request: IncomingMessage): boolean {
  return request.headers.expect?.toLowerCase() === '100-continue' && !invited.has(request);
}

function timedOut(ms: number): KindredError {
  return new KindredError('timed-out', `no answer within ${ms / 1000} s`, {
    hint: 'Send it again later; a write may have been done, and may be repeated.',
  });
}

/**
 * Lets a request in: a place in its route's queue or 503, before the first byte of its body is asked for; then its
 * handler, with a signal that aborts when the client goes away or its time is over.
 */
export function admit(
  { queue, unhurried = false, handle }: Admitted,
  { queues, requestMs }: Admission,
): RequestHandler {
  const nameOf = typeof queue === 'function' ? queue : () => queue;

  const enter = (request: Request, response: Response, signal: AbortSignal): Promise<void> => {
    const work = async (): Promise<void> => {
      if (waitsForInvitation(request)) {
        invited.add(request);
        response.writeContinue();
      }
      await handle(request, response, signal);
    };
    const name = nameOf(request);
    return name === undefined ? work() : queues[name].run(work);
  };

  return async (request, response) => {
    const stop = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) stop.abort(new KindredError('interrupted', 'the client has gone away'));
    });
    const answered = enter(request, response, stop.signal);
    if (unhurried) return answered;
    let timer: NodeJS.Timeout | undefined;
    // The work itself keeps its place until it ends, so that time-outs do not let more in than there is room for.
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const error = timedOut(requestMs);
        stop.abort(error);
        reject(error);
      }, requestMs);
    });
    try {
      await Promise.race([answered, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
