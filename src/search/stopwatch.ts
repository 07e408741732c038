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

/** Told of each stage that succeeded. */
export type ObserveStage = (stage: Stage, seconds: number) => void;

export function createStopwatch(observe?: ObserveStage): Stopwatch {
  const spent = { embed: 0, search: 0, score: 0 };
  return {
    async during(stage, work) {
      const started = performance.now();
      const result = await work();
      const ms = performance.now() - started;
      spent[stage] += ms;
      observe?.(stage, ms / 1000);
      return result;
    },
    timings: () => ({ ...spent }),
  };
}
