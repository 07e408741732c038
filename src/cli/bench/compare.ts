import { KindredError } from '../../core/errors.js';
import type { ReportProgress } from '../../core/progress.js';

/** Measures one side once; returns a rate, e.g. images a second. */
export type Side = () => Promise<number>;

export interface Comparison {
  /** Median over the runs of ours[run] / theirs[run]. */
  readonly ratio: number;
  readonly ratios: readonly number[];
  readonly ours: number;
  readonly theirs: number;
  /** The competitor that was fastest by its median. */
  readonly best: string;
  /** Median of each competitor. */
  readonly competitors: Readonly<Record<string, number>>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]];
  return ((low ?? NaN) + (high ?? NaN)) / 2;
}

/** The smallest value that `share` (0 … 1) of the values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

export interface CompareOptions {
  readonly name: string;
  readonly ours: Side;
  /** Ours is compared with the best of these. */
  readonly theirs: Readonly<Record<string, Side>>;
  readonly runs: number;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

/**
 * Measures all sides in turn, over and over, so that whatever else the machine does meets them alike; every second round
 * goes backwards. The first round warms up and does not count.
 * @throws KindredError interrupted, and whatever a side throws
 */
export async function compare({ name, ours, theirs, runs, progress, signal }: CompareOptions): Promise<Comparison> {
  const own: number[] = [];
  const others = new Map(Object.keys(theirs).map((key): [string, number[]] => [key, []]));
  const sides: { side: Side; rates: number[] | undefined }[] = [
    { side: ours, rates: own },
    ...Object.entries(theirs).map(([key, side]) => ({ side, rates: others.get(key) })),
  ];
  let done = 0;
  const total = (runs + 1) * sides.length;
  for (let round = 0; round <= runs; round++) {
    for (const { side, rates } of round % 2 === 0 ? sides : sides.toReversed()) {
      if (signal.aborted) throw new KindredError('interrupted', `bench ${name} was stopped`);
      progress({ stage: `bench ${name}`, done, total, unit: 'measurements' });
      const rate = await side();
      if (round > 0) rates?.push(rate);
      done++;
    }
  }
  progress({ stage: `bench ${name}`, done, total, unit: 'measurements' });
  const medians = [...others].map(([key, rates]): [string, number] => [key, median(rates)]);
  const [best = '', theirBest = NaN] = medians.toSorted(([, a], [, b]) => b - a)[0] ?? [];
  const ratios = own.map((rate, run) => rate / (others.get(best)?.[run] ?? NaN));
  return {
    ratio: median(ratios),
    ratios,
    ours: median(own),
    theirs: theirBest,
    best,
    competitors: Object.fromEntries(medians),
  };
}
