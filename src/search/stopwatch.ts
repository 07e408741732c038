/** Milliseconds spent on each stage of a query. */
export interface Timings {
  /** Pictures to vectors, or vectors of items looked up. */
  readonly embed: number;
  /** The catalogue's answer. */
  readonly search: number;
  /** Local densities and calibrated scores. */
  readonly score: number;
}

export type Stage = keyof Timings;

export interface Stopwatch {
  during<T>(stage: Stage, work: () => T | Promise<T>): Promise<T>;
  readonly timings: () => Timings;
}

export function createStopwatch(): Stopwatch {
  const spent = { embed: 0, search: 0, score: 0 };
  return {
    async during(stage, work) {
      const started = performance.now();
      try {
        return await work();
      } finally {
        spent[stage] += performance.now() - started;
      }
    },
    timings: () => ({ ...spent }),
  };
}
