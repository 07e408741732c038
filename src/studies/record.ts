import { z } from 'zod';

const scores = z.record(z.string(), z.number());
const options = z.record(z.string(), z.union([z.string(), z.number()]));

/** What an arm is to the table: what the others are compared with, a control that a gain must beat, or what is tried. */
export const roles = ['baseline', 'control', 'arm'] as const;

/**
 * One training run of a study, one line of its results file. All scores are shares (0 … 1), seen on classes that were
 * neither trained on nor validated on unless their name says otherwise.
 */
export const recordSchema = z.strictObject({
  study: z.string(),
  /** `tuning` runs choose settings and never see the test classes: they have no `metrics`. */
  phase: z.enum(['tuning', 'final']),
  /** Data set and loss: what is compared within. */
  cell: z.string(),
  arm: z.string(),
  role: z.enum(roles),
  data: z.string(),
  loss: z.string(),
  lossOptions: options,
  regularizer: z.string(),
  regularizerOptions: options,
  lambda: z.number().nullable(),
  /** Class split, initialisation, batches and crops: arms of one seed share all of them. */
  seed: z.number().int(),
  /** All other training settings. */
  settings: z.record(z.string(), z.unknown()),
  steps: z.number().int(),
  /** After the last step: recall@1, map@r, train.recall@1, train.map@r, spread-to-gap, train.spread-to-gap. Empty while tuning. */
  metrics: scores,
  /** The same, and `step`, of the step with the best MAP@R on the validation classes. */
  selected: scores.nullable(),
  /** On the validation classes: step, recall@1 and map@r of the best step by MAP@R. */
  validation: scores,
  /** Along the way, where the study asks for it: step and the names of `metrics`. */
  curve: z.array(scores).optional(),
  /** Why the run ended early, where it did (training-collapsed); its metrics are those of the untrained start or empty. */
  failed: z.string().optional(),
  seconds: z.number(),
  /** Peak memory of the process that ran it, MiB. */
  memoryMiB: z.number().optional(),
  /** Hash of the plan's entry: what a resumed study knows the run by. */
  key: z.string(),
  commit: z.string().nullable(),
  kindred: z.string(),
});

export type RunRecord = z.infer<typeof recordSchema>;
