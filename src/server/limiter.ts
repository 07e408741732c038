import { KindredError } from '../core/errors.js';

export interface Limiter {
  /**
   * Runs `work` when there is a place for it, in the order of the calls.
   * @throws KindredError overloaded when every place and every seat in the queue is taken
   */
  run<T>(work: () => Promise<T>): Promise<T>;
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
  const queue: (() => void)[] = [];

  const enter = async (): Promise<void> => {
    if (active < running) {
      active++;
      return;
    }
    if (queue.length >= waiting) {
      throw new KindredError('overloaded', `too many ${what} at once`, { hint: 'Try again in a second.' });
    }
    await new Promise<void>((resolve) => queue.push(resolve)); // leave() hands its place over
  };

  const leave = (): void => {
    const next = queue.shift();
    if (next) next();
    else active--;
  };

  return {
    async run(work) {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
