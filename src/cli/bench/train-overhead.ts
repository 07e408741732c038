/** From when to when, ms on one clock. */
export type Interval = readonly [start: number, end: number];

/** How much of [from, to] the intervals cover together, ms. They may overlap, touch and come in any order. */
export function coveredMs(intervals: readonly Interval[], from: number, to: number): number {
  let [covered, reached] = [0, from];
  for (const [start, end] of intervals.toSorted((a, b) => a[0] - b[0])) {
    const [begin, stop] = [Math.max(start, reached), Math.min(end, to)];
    if (stop <= begin) continue;
    covered += stop - begin;
    reached = stop;
  }
  return covered;
}

export interface Busy {
  readonly from: number;
  readonly to: number;
  /** When an engine call was under way, without the loss between its two halves. */
  readonly engine: readonly Interval[];
  /** Milliseconds of those that the runtime itself computed; the rest moved values in and out. */
  readonly kernelMs: number;
  /** When a stem worker had a job. */
  readonly stem: readonly Interval[];
}

/**
 * Share (0 … 1) of the time in which neither a training kernel nor a stem worker was busy. Where in an engine call the
 * runtime computed is not known, only for how long; all of what moved values counts as idle, so this is no less than the truth.
 */
export function overheadShare({ from, to, engine, kernelMs, stem }: Busy): number {
  const moving = Math.max(0, coveredMs(engine, from, to) - kernelMs);
  const busy = coveredMs([...engine, ...stem], from, to) - moving;
  return Math.min(1, Math.max(0, 1 - busy / (to - from)));
}
