import { KindredError } from '../core/errors.js';
import type { Remembered } from '../core/remembered.js';
import type { Dataset } from '../data/dataset.js';
import type { Parameter, Parameters } from '../model/graph.js';
import type { AdamState } from './adam.js';
import type { Checkpoint } from './checkpoint.js';
import type { TrainSettings } from './settings.js';

/** What a run can be resumed under: the same options on the same data. */
export function runKey(settings: TrainSettings, dataset: Pick<Dataset, 'splitHash'>): string {
  return JSON.stringify({ ...settings, splitHash: dataset.splitHash });
}

export type Values = Map<string, Float32Array>;

export const copyOf = (parameters: ReadonlyMap<string, Parameter>): Values =>
  new Map([...parameters].map(([name, { data }]) => [name, data.slice()]));

/** The same parameters with other values. */
export const withValues = (parameters: Parameters, values: Values): Map<string, Parameter> =>
  new Map([...parameters].map(([name, { shape }]) => [name, { shape, data: values.get(name) ?? new Float32Array(0) }]));

/** What a run carries from step to step beside its parameters, by name. */
export type RememberedParts = Readonly<Record<string, Remembered | undefined>>;

/**
 * All that a checkpoint keeps beside numbers: parameters, both moments of Adam, the best epoch's parameters, and what else
 * the run remembers.
 */
export function toArrays(
  parameters: ReadonlyMap<string, Parameter>,
  adam: AdamState,
  best: Values,
  remembered: RememberedParts = {},
): Values {
  const groups: [string, ReadonlyMap<string, Float32Array>][] = [
    ['value', copyOf(parameters)],
    ['first', adam.first],
    ['second', adam.second],
    ['best', best],
    ...Object.entries(remembered).map(([name, part]): [string, ReadonlyMap<string, Float32Array>] => [
      name,
      part?.save() ?? new Map(),
    ]),
  ];
  return new Map(
    groups.flatMap(([prefix, arrays]) =>
      [...arrays].map(([name, data]): [string, Float32Array] => [`${prefix}:${name}`, data]),
    ),
  );
}

/** @throws KindredError checkpoint-invalid when an array is missing or of another size */
export function restore(
  checkpoint: Checkpoint,
  parameters: ReadonlyMap<string, Parameter>,
  adam: AdamState,
  best: Values,
  remembered: RememberedParts = {},
): void {
  adam.step = checkpoint.step;
  for (const [name, { data }] of parameters) {
    const put = (prefix: string, target: Float32Array | undefined): void => {
      const source = checkpoint.arrays.get(`${prefix}:${name}`);
      if (!source || source.length !== target?.length) {
        throw new KindredError('checkpoint-invalid', `the checkpoint has no fitting ${prefix} of ${name}`, {
          hint: 'Train from the start, without --resume.',
        });
      }
      target.set(source);
    };
    put('value', data);
    put('first', adam.first.get(name));
    put('second', adam.second.get(name));
    put('best', best.get(name));
  }
  for (const [name, part] of Object.entries(remembered)) {
    const own = [...checkpoint.arrays].filter(([key]) => key.startsWith(`${name}:`));
    part?.restore(new Map(own.map(([key, data]) => [key.slice(name.length + 1), data])));
  }
}
