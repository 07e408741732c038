import { KindredError } from '../core/errors.js';
import type { TrainSettings } from '../learn/settings.js';
import type { Choice } from './plan.js';
import type { RunRecord } from './record.js';

type Value = string | number | boolean;
/** Options of kindred train by name. */
export type Options = Readonly<Record<string, Value | undefined>>;
export type Space = Readonly<Record<string, readonly Value[] | undefined>>;

/** A study as its file says it, checked by config/grid.ts. */
export interface StudyGrid {
  readonly name: string;
  readonly seeds: number | readonly number[];
  readonly split: 'per-seed' | 'as-prepared';
  readonly limit: { readonly classes?: number | undefined; readonly imagesPerClass?: number | undefined };
  readonly settings: Options;
  readonly losses: Readonly<Record<string, object>>;
  readonly arms?: Readonly<Record<string, object>> | undefined;
  readonly regularizers?: readonly string[] | undefined;
  readonly lambdas?: readonly number[] | undefined;
  readonly tune?:
    | { readonly trials: number; readonly seeds: readonly number[]; readonly on: string; readonly space: Space }
    | undefined;
  readonly curve: boolean;
}

/** One row of the study's table, for one loss. */
export interface StudyArm extends Pick<RunRecord, 'arm' | 'role'> {
  readonly lossLabel: string;
  readonly options: Options;
  readonly space: Readonly<Record<string, readonly Value[]>>;
}

/** Turns options into settings. @throws KindredError as kindred train would */
export type Resolve = (options: Options) => TrainSettings;

interface ArmEntry {
  readonly role?: RunRecord['role'];
  readonly only?: readonly string[] | undefined;
  readonly tune?: Space | undefined;
}

function optionsIn(entry: object): Options {
  const own = ['role', 'only', 'tune'];
  return Object.fromEntries(Object.entries(entry).filter(([name]) => !own.includes(name)));
}

function spaceOf(...spaces: readonly (Space | undefined)[]): Record<string, readonly Value[]> {
  const merged: Record<string, readonly Value[]> = {};
  for (const space of spaces)
    for (const [name, values] of Object.entries(space ?? {})) if (values) merged[name] = values;
  return merged;
}

/** regularizers × lambdas as arms; the first one is the baseline. */
function product({ regularizers = [], lambdas }: StudyGrid): [string, ArmEntry & Options][] {
  return regularizers.flatMap((regularizer, index): [string, ArmEntry & Options][] => {
    const role = index === 0 ? ('baseline' as const) : ('arm' as const);
    if (lambdas === undefined || regularizer === 'none') return [[regularizer, { regularizer, role }]];
    return lambdas.map((lambda) => [`${regularizer} λ ${lambda}`, { regularizer, lambda, role }]);
  });
}

/** Every arm of every loss, with its options put together: the grid's, the loss's, its own. */
export function armsOf(grid: StudyGrid): StudyArm[] {
  const arms: (readonly [string, object])[] = grid.arms ? Object.entries(grid.arms) : product(grid);
  return Object.entries(grid.losses).flatMap(([lossLabel, loss]) =>
    arms.flatMap(([arm, entry]) => {
      const { role = 'arm', only, tune }: ArmEntry = entry;
      if (only && !only.includes(lossLabel)) return [];
      const { tune: lossTune }: { tune?: Space } = loss;
      const options = { loss: lossLabel, ...grid.settings, ...optionsIn(loss), ...optionsIn(entry) };
      const space = grid.tune ? spaceOf(grid.tune.space, lossTune, tune) : {};
      // What an arm fixes itself is not searched.
      const searched = Object.fromEntries(Object.entries(space).filter(([name]) => !(name in optionsIn(entry))));
      return [{ arm, role, lossLabel, options, space: searched }];
    }),
  );
}

/** Says which arm it was where its options are refused. */
export function withArm<T>({ arm, lossLabel }: StudyArm, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof KindredError)) throw error;
    throw new KindredError(error.code, `arm "${arm}" with ${lossLabel}: ${error.message}`, {
      hint: error.hint,
      field: error.field,
      cause: error,
    });
  }
}

/**
 * The settings of an arm with what tuning chose.
 * @throws KindredError invalid-option or unknown-name, naming the arm
 */
export function settingsOf(arm: StudyArm, choice: Choice, seed: number, resolve: Resolve): TrainSettings {
  return withArm(arm, () => ({ ...resolve({ ...arm.options, ...choice }), seed }));
}
