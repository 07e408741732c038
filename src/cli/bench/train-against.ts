import { type Comparison, compare } from './compare.js';
import type { TrainingContext } from './bench.js';
import type { TrainJob } from './train-job.js';
import type { Torch } from './train-python.js';
import { type OurSteps, startOurSide, startTorchSide } from './train-sides.js';

/** Relative difference of the two losses up to which both sides are taken to compute the same. */
const tolerance = 1e-3;

/** Why no ratio may be printed, or undefined: after the same steps on the same pixels both sides must see the same loss. */
export function disagreement(ours: readonly number[], theirs: readonly number[]): string | undefined {
  const same =
    ours.length === theirs.length &&
    ours.length > 0 &&
    ours.every((loss, i) => Math.abs(loss - (theirs[i] ?? NaN)) <= tolerance * Math.abs(loss));
  const list = (losses: readonly number[]): string => losses.map((loss) => loss.toFixed(6)).join(', ');
  return same
    ? undefined
    : `the two sides do not compute the same, so a ratio would mean nothing: losses ${list(ours)} against ${list(theirs)}`;
}

export interface Against {
  /** Our measurements, without the one that warmed up. */
  readonly ours: readonly OurSteps[];
  /** Images a second. */
  readonly comparison: Comparison;
  readonly losses: { readonly ours: readonly number[]; readonly theirs: readonly number[] };
  /** What PyTorch's side tried, seconds a step. */
  readonly tried: Readonly<Record<string, number>>;
  readonly torchPeakMiB: number | null;
  /** Why there is no ratio. */
  readonly refused: string | undefined;
}

/** Both sides train in turn, each in a process that stays alive; without PyTorch, ours alone. */
export async function trainAgainst(
  name: string,
  folder: string,
  job: TrainJob,
  { runs, training, progress, signal }: TrainingContext,
  torch: Torch | undefined,
): Promise<Against> {
  const mine = startOurSide(folder, { backend: 'onnx' });
  const their = torch && startTorchSide(folder, torch);
  const ours: OurSteps[] = [];
  const pictures = training.steps * job.classesPerBatch * job.imagesPerClass;
  try {
    const checked = await mine.check();
    const theirLosses = (await their?.check())?.losses ?? [];
    const refused = their && disagreement(checked.losses, theirLosses);
    const tuned = refused === undefined ? await their?.tune() : undefined;
    let torchPeakMiB: number | null = null;
    const sides = (tuned?.ways ?? []).map((way) => {
      const side = async (): Promise<number> => {
        const answer = await their?.steps(way, training.steps);
        torchPeakMiB = answer?.peakMiB ?? null;
        return pictures / (answer?.seconds ?? NaN);
      };
      return [way, side] as const;
    });
    const comparison = await compare({
      name,
      ours: async () => {
        const answer = await mine.steps(training.steps);
        ours.push(answer);
        return pictures / answer.seconds;
      },
      theirs: Object.fromEntries(sides),
      runs,
      progress,
      signal,
    });
    return {
      ours: ours.slice(1),
      comparison,
      losses: { ours: checked.losses, theirs: theirLosses },
      tried: tuned?.tried ?? {},
      torchPeakMiB,
      refused,
    };
  } finally {
    await Promise.all([mine.stop(), their?.stop()]);
  }
}
