import { KindredError } from '../../core/errors.js';
import { comparePairs, holm, mean, standardDeviation } from '../statistics.js';
import { curvesOf } from './curves.js';
import type {
  ArmDifference,
  ArmSummary,
  CellSummary,
  Checkpoint,
  ComparedMeasure,
  Spread,
  StudySummary,
  SummarizedRun,
} from './types.js';

const numbersOf = (run: SummarizedRun, checkpoint: Checkpoint): Readonly<Record<string, number>> =>
  checkpoint === 'final' ? run.metrics : (run.selected ?? {});

const grouped = <T>(values: readonly T[], key: (value: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(key(value), [...(groups.get(key(value)) ?? []), value]);
  return groups;
};

/** One arm of a cell while it is being summarised. */
interface Arm {
  readonly name: string;
  readonly role: SummarizedRun['role'];
  readonly bySeed: ReadonlyMap<number, SummarizedRun>;
}

function collect(cell: string, name: string, runs: readonly SummarizedRun[]): Arm {
  const bySeed = new Map<number, SummarizedRun>();
  for (const run of runs) {
    if (bySeed.has(run.seed) || run.role !== runs[0]?.role) {
      const what = bySeed.has(run.seed) ? 'is there twice' : `is a ${run.role} here and a ${runs[0]?.role ?? ''} there`;
      throw new KindredError('results-invalid', `${run.study}: "${name}" in "${cell}", seed ${run.seed} ${what}`, {
        hint: 'Take one of the two lines out.',
      });
    }
    bySeed.set(run.seed, run);
  }
  return { name, role: runs[0]?.role ?? 'arm', bySeed: new Map([...bySeed].sort(([a], [b]) => a - b)) };
}

function spreadOf(arm: Arm, checkpoint: Checkpoint): Record<string, Spread> {
  const all = [...arm.bySeed.values()].map((run) => numbersOf(run, checkpoint));
  const names = Object.keys(all[0] ?? {}).filter((name) => all.every((numbers) => Number.isFinite(numbers[name])));
  return Object.fromEntries(
    names.map((name) => {
      const values = all.map((numbers) => numbers[name] ?? NaN);
      return [name, { n: values.length, mean: mean(values), standardDeviation: standardDeviation(values) }];
    }),
  );
}

function difference(arm: Arm, other: Arm, checkpoint: Checkpoint, measure: ComparedMeasure): ArmDifference | null {
  const differences = [...arm.bySeed].flatMap(([seed, run]) => {
    const pair = other.bySeed.get(seed);
    const value =
      (numbersOf(run, checkpoint)[measure] ?? NaN) - ((pair && numbersOf(pair, checkpoint)[measure]) ?? NaN);
    return Number.isFinite(value) ? [value] : [];
  });
  return differences.length === 0 ? null : { ...comparePairs(differences), to: other.name, holmP: NaN };
}

const byCheckpoint = <T>(value: (checkpoint: Checkpoint, measure: ComparedMeasure) => T) => {
  const both = (checkpoint: Checkpoint): Record<ComparedMeasure, T> => ({
    'recall@1': value(checkpoint, 'recall@1'),
    'map@r': value(checkpoint, 'map@r'),
  });
  return { final: both('final'), selected: both('selected') };
};

function summarizeCell(cell: string, runs: readonly SummarizedRun[]): CellSummary {
  const arms = [...grouped(runs, ({ arm }) => arm)].map(([name, own]) => collect(cell, name, own));
  const baseline = arms.find(({ role }) => role === 'baseline');
  const spreads = new Map(
    arms.map((arm) => [arm, { final: spreadOf(arm, 'final'), selected: spreadOf(arm, 'selected') }]),
  );
  const bestControl = (checkpoint: Checkpoint, measure: ComparedMeasure): Arm | undefined => {
    const average = (arm: Arm): number => spreads.get(arm)?.[checkpoint][measure]?.mean ?? NaN;
    // A study with controls: then the baseline is one as well, since a gain over poor controls alone is none.
    if (!arms.some(({ role }) => role === 'control')) return undefined;
    const controls = arms.filter((arm) => arm.role !== 'arm' && Number.isFinite(average(arm)));
    return controls.sort((a, b) => average(b) - average(a))[0];
  };
  return {
    cell,
    curves: curvesOf(runs),
    arms: arms.map((arm) => ({
      arm: arm.name,
      role: arm.role,
      seeds: [...arm.bySeed.keys()],
      spread: spreads.get(arm) ?? { final: {}, selected: {} },
      toBaseline: byCheckpoint((checkpoint, measure) =>
        baseline && arm !== baseline ? difference(arm, baseline, checkpoint, measure) : null,
      ),
      toBestControl: byCheckpoint((checkpoint, measure) => {
        const control = arm.role === 'arm' ? bestControl(checkpoint, measure) : undefined;
        return control ? difference(arm, control, checkpoint, measure) : null;
      }),
    })),
  };
}

/** Fills in Holm's p over all arms of all cells, each checkpoint and measure for itself. */
function withHolm(cells: readonly CellSummary[]): CellSummary[] {
  const arms = cells.flatMap((cell) => cell.arms.filter(({ role }) => role === 'arm'));
  const corrected = byCheckpoint((checkpoint, measure) => {
    const values = holm(arms.map((arm) => arm.toBaseline[checkpoint][measure]?.p ?? NaN));
    return new Map(arms.map((arm, index) => [arm, values[index] ?? NaN]));
  });
  const fill = (arm: ArmSummary): ArmSummary => ({
    ...arm,
    toBaseline: byCheckpoint((checkpoint, measure) => {
      const found = arm.toBaseline[checkpoint][measure];
      return found && { ...found, holmP: corrected[checkpoint][measure].get(arm) ?? NaN };
    }),
  });
  return cells.map((cell) => ({ ...cell, arms: cell.arms.map(fill) }));
}

/**
 * Puts the runs of one study together, cell by cell.
 * @throws KindredError results-invalid when a run is there twice, or the runs are of several studies or none
 */
export function studySummary(runs: readonly SummarizedRun[]): StudySummary {
  const studies = [...new Set(runs.map(({ study }) => study))];
  const [study] = studies;
  if (study === undefined || studies.length > 1) {
    const what =
      study === undefined ? 'there are no runs to summarise' : `runs of several studies: ${studies.join(', ')}`;
    throw new KindredError('results-invalid', what, { hint: 'Give the file of one study, with at least one run.' });
  }
  const final = runs.filter(({ phase }) => phase === 'final');
  const whole = final.filter(({ failed }) => failed === undefined);
  const cells = [...grouped(whole, ({ cell }) => cell)].map(([cell, own]) => summarizeCell(cell, own));
  return {
    study,
    runs: whole.length,
    tuningRuns: runs.length - final.length,
    failures: final.flatMap(({ cell, arm, seed, failed }) =>
      failed === undefined ? [] : [{ cell, arm, seed, failed }],
    ),
    cells: withHolm(cells),
  };
}
