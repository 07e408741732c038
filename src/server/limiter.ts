import { KindredError } from '../core/errors.js';

export interface Limiter {
  /** How many are at work, how many wait, and how many were turned away since the start. */
  readonly active: number;
  readonly queued: number;
  readonly refused: number;
  /** The most that are at work at once. */
  readonly places: number;
  /** Every place and every seat in the queue is taken: who comes now is turned away. */
  readonly full: boolean;
  /** Counts one that is turned away, and gives what to tell it. */
  refuse(): KindredError;
  /**
   * Runs `work` when there is a place for it, in the order of the calls. What still waits when the signal aborts loses
   * its turn.
   * @throws KindredError overloaded when every place and every seat in the queue is taken; the signal's reason
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export interface LimiterOptions {
  /** What is limited, for the message: 'image queries', … */
  readonly what: string;
  readonly running: number;
  /** How many may wait for a place. */
  readonly waiting: number;
}

/** Bounds how much of one kind of work goes on at once; what is beyond the bound is turned away, not kept. */
export function createLimiter({ what, running, waiting }: LimiterOptions): Limiter {
  let active = 0;
  let refused = 0;
  const queue = new Set<() => void>();

  const isFull = (): boolean => active >= running && queue.size >= waiting;
  const refuse = (): KindredError => {
    refused++;
    return new KindredError('overloaded', `too many ${what} at once`, { hint: 'Try again in a second.' });
  };

  const enter = async (signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    if (active < running) {
      active++;
      return;
    }
    if (isFull()) throw refuse();
    await new Promise<void>((resolve, reject) => {
      const forget = (): void => {
        queue.delete(take);
        reject(reasonOf(signal));
      };
      const take = (): void => {
        signal?.removeEventListener('abort', forget);
        resolve(); // leave() hands its place over
      };
      queue.add(take);
      signal?.addEventListener('abort', forget, { once: true });
    });
  };

  const leave = (): void => {
    const [next] = queue;
    if (next) {
      queue.delete(next);
      next();
    } else active--;
  };

  return {
    places: running,
    refuse,
    get full() {
      return isFull();
    },
    get active() {
      return active;
    },
    get queued() {
      return queue.size;
    },
    get refused() {
      return refused;
    },
    async run(work, signal) {
      await enter(signal);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new KindredError('interrupted', 'nobody waits for this any more');
}
