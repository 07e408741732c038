import { z } from 'zod';
import { KindredError } from '../core/errors.js';
import { camelCase } from './key-values.js';
import { trainOptions } from './train.js';

const option = z.union([z.string(), z.number(), z.boolean()]);
const values = z.array(option).min(1);
/** What a grid decides itself, or what has no meaning without a bundle. */
const notInGrids = [
  ...['data', 'out', 'seed', 'resume', 'json', 'cache', 'cacheSize', 'cacheDir', 'threads', 'calibrate'],
];
const optionNames = Object.keys(trainOptions.shape).filter((key) => !notInGrids.some((name) => name === key));

/** Options of kindred train by name, as given; config/train.ts checks their values when runs are planned. */
const someOptions = Object.fromEntries(optionNames.map((name) => [name, option.optional()]));
const space = z.strictObject(Object.fromEntries(optionNames.map((name) => [name, values.optional()])));
export type OptionValues = Readonly<Record<string, string | number | boolean | undefined>>;

const names = { error: 'must be of letters, digits, spaces and . _ + : - and apostrophes' };
const name = z.string().regex(/^[\p{L}\d .’'_+:-]+$/u, names);

export const gridSchema = z.strictObject({
  name,
  about: z.string().optional(),
  /** Name → prepared folder, or what `kindred data prepare` takes. */
  data: z.record(
    name,
    z.union([z.string().min(1), z.strictObject({ source: z.string(), from: z.string().optional() })]),
  ),
  /** A list of seeds, or how many (0, 1, …). */
  seeds: z.union([z.int().min(1).max(1000), z.array(z.int().min(0)).min(1)]),
  /** `per-seed`: every seed draws its own training, validation and test classes; `as-prepared`: the data set's. */
  split: z.enum(['per-seed', 'as-prepared']).default('per-seed'),
  /** Keeps this many training classes, and images of each: where overfitting shows. */
  limit: z.strictObject({ classes: z.int().min(2).optional(), imagesPerClass: z.int().min(2).optional() }).default({}),
  /** Options of every run. */
  settings: z.strictObject(someOptions).default({}),
  /** Label → options; the label is the loss where the options name none. */
  losses: z.record(name, z.strictObject({ ...someOptions, tune: space.optional() })),
  /** Label → options and what the arm is to the table. */
  arms: z
    .record(
      name,
      z.strictObject({
        ...someOptions,
        role: z.enum(['baseline', 'control', 'arm']).default('arm'),
        /** Only with these losses. */
        only: z.array(z.string()).min(1).optional(),
        tune: space.optional(),
      }),
    )
    .optional(),
  /** In place of arms: each of these, the first being the baseline … */
  regularizers: z.array(z.string()).min(1).optional(),
  /** … with each of these λ, where it has a penalty. */
  lambdas: z.array(z.number().min(0)).min(1).optional(),
  /** Choose options on the validation classes first: as many trials for every arm. */
  tune: z
    .strictObject({
      trials: z.int().min(1).max(10_000),
      seeds: z.array(z.int().min(0)).min(1).default([1000]),
      on: z.enum(['map@r', 'recall@1']).default('map@r'),
      space: space.default({}),
    })
    .optional(),
  /** Measure training and test classes after every epoch, for curves. Nothing is chosen by them. */
  curve: z.boolean().default(false),
});
export type Grid = z.infer<typeof gridSchema>;

/** These hold things by a name of the user's, which stays as it is. */
const byName = ['data', 'losses', 'arms'];

/** Keys as on the command line (learning-rate) as well as in code (learningRate). */
function camelKeys(value: unknown, parent?: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const named = parent !== undefined && byName.includes(parent);
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
    const name = named ? key : camelCase(key);
    return [name, camelKeys(inner, parent === undefined ? name : '')];
  });
  return Object.fromEntries(entries);
}

/**
 * Checks a grid as read from YAML or JSON.
 * @param path of the file, for messages
 * @throws KindredError invalid-option naming the file, the place in it and the rule
 */
export function parseGrid(content: unknown, path: string): Grid {
  const result = gridSchema.safeParse(camelKeys(content));
  const refuse = (where: string, what: string, cause?: unknown): KindredError =>
    new KindredError('invalid-option', `${path}: ${where === '' ? '' : `${where}: `}${what}`, {
      hint: 'See docs/ablate.md for what a grid may say.',
      field: where,
      cause,
    });
  if (!result.success) {
    // A key that is not known is the likelier slip: the one meant is then missing as well.
    const issue = result.error.issues.find(({ code }) => code === 'unrecognized_keys') ?? result.error.issues[0];
    const place = (issue?.path ?? []).map(String);
    if (issue?.code === 'unrecognized_keys') throw refuse([...place, issue.keys[0]].join('.'), 'is not known here');
    throw refuse(place.join('.'), issue?.message ?? 'is not valid', result.error);
  }
  const grid = result.data;
  if ((grid.arms === undefined) === (grid.regularizers === undefined))
    throw refuse('arms', 'give either arms, or regularizers (with lambdas)');
  if (grid.lambdas && !grid.regularizers) throw refuse('lambdas', 'needs regularizers');
  for (const [label, arm] of Object.entries(grid.arms ?? {})) {
    const stranger = arm.only?.find((loss) => !(loss in grid.losses));
    if (stranger !== undefined) throw refuse(`arms.${label}.only`, `"${stranger}" is none of the losses`);
  }
  return grid;
}
