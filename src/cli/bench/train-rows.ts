import type { BenchResult, Goal, Skipped } from './bench.js';
import { median } from './compare.js';
import type { Against } from './train-against.js';

export type Row = BenchResult | Skipped;
export type Part = 'partial' | 'whole';

export const goals = {
  partial: { is: 'at least', must: 0.35, aim: 1 },
  whole: { is: 'at least', must: 0.15, aim: 0.6 },
  overhead: { is: 'at most', must: 0.15, aim: 0.05 },
  rss: { is: 'at most', must: 1536, aim: 1024 },
  accumulate: { is: 'at most', must: 1.3 },
} as const satisfies Record<string, Goal>;

export interface RatioOf {
  readonly part: Part;
  readonly against: Against;
  readonly runs: number;
  /** PyTorch's version, or why there is none. */
  readonly torch: { readonly version: string } | { readonly missing: string };
  /** What was trained, for the JSON. */
  readonly about: Readonly<Record<string, unknown>>;
}

export function ratioRow({ part, against, runs, torch, about }: RatioOf): Row {
  const { comparison, refused, ours, losses, tried, torchPeakMiB } = against;
  const name = `train.${part}.vs-pytorch`;
  const alone = `kindred alone: ${comparison.ours.toFixed(1)} images/s`;
  if ('missing' in torch) return { name, skipped: `not measured: ${torch.missing}; ${alone}` };
  if (refused !== undefined) return { name, skipped: refused };
  return {
    name,
    ratio: comparison.ratio,
    runs,
    goal: goals[part],
    note: `${comparison.ours.toFixed(1)} images/s against ${comparison.theirs.toFixed(1)} (PyTorch ${torch.version}, ${comparison.best})`,
    detail: {
      unit: 'images/s',
      ...about,
      ...comparison,
      losses,
      steps: ours,
      torch: { version: torch.version, secondsPerStep: tried, peakMiB: torchPeakMiB },
    },
  };
}

export function overheadRow(measured: ReadonlyMap<Part, Against>, runs: number): Row {
  const shares = [...measured].map(([part, { ours }]) => ({ part, share: median(ours.map((one) => one.overhead)) }));
  const worst = shares.toSorted((a, b) => b.share - a.share)[0];
  if (!worst) return { name: 'train.overhead-share', skipped: 'no training was measured' };
  return {
    name: 'train.overhead-share',
    value: worst.share,
    unit: 'of step time',
    runs,
    goal: goals.overhead,
    note: `1 − (any training kernel or stem worker busy) / total, the larger of ${shares.map(({ part, share }) => `${part} ${share.toFixed(3)}`).join(', ')}`,
    detail: { ...Object.fromEntries(shares.map(({ part, share }) => [part, share])) },
  };
}

export function rssRow(against: Against | undefined, batch: number, runs: number): Row {
  const peak = Math.max(...(against?.ours ?? []).map(({ peakMiB }) => peakMiB));
  if (!Number.isFinite(peak)) return { name: 'train.rss-mib', skipped: 'training the whole network was not measured' };
  return {
    name: 'train.rss-mib',
    value: peak,
    unit: 'MiB',
    runs,
    goal: goals.rss,
    note: `most memory of the process, whole network, batch ${batch}`,
    detail: { torchPeakMiB: against?.torchPeakMiB ?? null },
  };
}
