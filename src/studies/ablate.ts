import { KindredError } from '../core/errors.js';
import type { ReportProgress } from '../core/progress.js';
import { objectiveFor } from '../learn/objective.js';
import { armsOf, settingsOf, withArm, type Resolve, type StudyArm, type StudyGrid } from './arms.js';
import { bestTrial, drawTrials, withKey, type Choice, type RunPlan, type StudyData } from './plan.js';
import type { RunRecord } from './record.js';
import type { ResultsFile } from './results-file.js';

export interface AblateOptions {
  readonly grid: StudyGrid;
  /** Prepared data sets by the grid's names. */
  readonly data: readonly Pick<StudyData, 'data' | 'folder' | 'splitHash'>[];
  readonly resolve: Resolve;
  readonly results: ResultsFile;
  /** Does one run; called for as many at a time as `jobs`. */
  readonly run: (plan: RunPlan) => Promise<RunRecord>;
  readonly jobs: number;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

/** Trials and their runs, for one arm on one data set. */
interface Tuning {
  readonly arm: StudyArm;
  readonly data: AblateOptions['data'][number];
  readonly trials: readonly { readonly choice: Choice; readonly plans: readonly RunPlan[] }[];
}

const numberedSeeds = (seeds: StudyGrid['seeds']): readonly number[] =>
  typeof seeds === 'number' ? Array.from({ length: seeds }, (_, seed) => seed) : seeds;

function planOf(
  options: Pick<AblateOptions, 'grid' | 'resolve'>,
  arm: StudyArm,
  data: AblateOptions['data'][number],
  run: { readonly phase: RunPlan['phase']; readonly choice: Choice; readonly seed: number },
): RunPlan {
  const { grid, resolve } = options;
  const { phase, choice, seed } = run;
  return withKey({
    ...data,
    study: grid.name,
    phase,
    cell: `${data.data}/${arm.lossLabel}`,
    arm: arm.arm,
    role: arm.role,
    seed,
    split: grid.split,
    limit: grid.limit,
    curve: phase === 'final' && grid.curve,
    settings: settingsOf(arm, choice, seed, resolve),
  });
}

function tuningOf(options: Pick<AblateOptions, 'grid' | 'resolve' | 'data'>): Tuning[] {
  const { grid } = options;
  const { tune } = grid;
  if (!tune) return [];
  return options.data.flatMap((data) =>
    armsOf(grid).map((arm) => {
      // Arms with the same space try the same values.
      const choices = drawTrials(arm.space, tune.trials, grid.name);
      return {
        arm,
        data,
        trials: choices.map((choice) => ({
          choice,
          plans: tune.seeds.map((seed) => planOf(options, arm, data, { phase: 'tuning', choice, seed })),
        })),
      };
    }),
  );
}

/**
 * Every run of the grid, checked before the first one starts: tuning runs, and one final run for each data set, seed, loss and
 * arm with the options as the grid gives them (what tuning chooses replaces some).
 * @throws KindredError invalid-option or unknown-name, naming the arm
 */
export function checkedPlans(options: Pick<AblateOptions, 'grid' | 'resolve' | 'data'>): {
  readonly tuning: number;
  readonly final: number;
} {
  const { grid, data } = options;
  const arms = armsOf(grid);
  for (const arm of arms) withArm(arm, () => objectiveFor(settingsOf(arm, {}, 0, options.resolve)));
  const tuning = tuningOf(options).flatMap(({ arm, trials }) => {
    const plans = trials.flatMap((trial) => trial.plans);
    for (const { settings } of plans) withArm(arm, () => objectiveFor(settings));
    return plans;
  });
  return { tuning: tuning.length, final: data.length * arms.length * numberedSeeds(grid.seeds).length };
}

/** Runs what has no record yet, `jobs` at a time; all records come back by key. */
async function runAll(
  plans: readonly RunPlan[],
  options: AblateOptions,
  records: Map<string, RunRecord>,
  stage: string,
): Promise<void> {
  const missing = plans.filter(({ key }) => !records.has(key));
  const { jobs, progress, signal, results } = options;
  let next = 0;
  let done = plans.length - missing.length;
  progress({ stage, done, total: plans.length, unit: 'runs' });
  const stopIfAborted = (): void => {
    if (!signal.aborted) return;
    throw new KindredError('interrupted', `stopped with ${done} of ${plans.length} runs done`, {
      hint: 'Run the same command again to go on.',
    });
  };
  const work = async (): Promise<void> => {
    for (let plan = missing[next++]; plan; plan = missing[next++]) {
      stopIfAborted();
      const record = await options.run(plan).catch((error: unknown) => {
        stopIfAborted(); // whoever runs them may have ended them for the same reason
        throw error;
      });
      await results.append(record);
      records.set(record.key, record);
      progress({ stage, done: ++done, total: plans.length, unit: 'runs', note: `${plan.cell}, ${plan.arm}` });
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: jobs }, work));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/**
 * Does a study: tuning runs first, where the grid asks for them (their test classes stay unseen), then the final runs with
 * what they chose. Runs that have a record are not done again.
 * @returns the records of this grid, tuning and final, in the order of the plan
 * @throws KindredError interrupted, and a run's own
 */
export async function ablate(options: AblateOptions): Promise<RunRecord[]> {
  const { grid, data } = options;
  const records = new Map(options.results.known.map((record) => [record.key, record]));
  const tuning = tuningOf(options);
  const trials = tuning.flatMap((one) => one.trials.flatMap(({ plans }) => plans));
  if (trials.length > 0) await runAll(trials, options, records, 'tuning');
  const chosen = new Map<string, Choice>();
  const name = (arm: StudyArm, set: { readonly data: string }): string =>
    JSON.stringify([set.data, arm.lossLabel, arm.arm]);
  for (const { arm, data: set, trials: tried } of tuning) {
    const scored = tried.map(({ choice, plans }) => ({
      choice,
      scores: plans.map(({ key }) => records.get(key)?.validation[grid.tune?.on ?? 'map@r']),
    }));
    chosen.set(name(arm, set), bestTrial(scored) ?? {});
  }
  // Seed by seed, so that a study that is stopped has every cell with the seeds that are done.
  const finals = numberedSeeds(grid.seeds).flatMap((seed) =>
    data.flatMap((set) =>
      armsOf(grid).map((arm) =>
        planOf(options, arm, set, { phase: 'final', choice: chosen.get(name(arm, set)) ?? {}, seed }),
      ),
    ),
  );
  await runAll(finals, options, records, 'runs');
  return [...trials, ...finals].flatMap(({ key }) => records.get(key) ?? []);
}
