import { z } from 'zod';
import { roleNames, splitNames } from './dataset.js';

/** The version of the folder's layout; another number is refused. */
export const datasetFormat = 1;

/** Whose pictures these are: shown wherever the data set is described. */
export const creditSchema = z.object({
  name: z.string(),
  author: z.string().optional(),
  licence: z.string(),
  url: z.string().optional(),
});
export type Credit = z.infer<typeof creditSchema>;

const count = z.number().int().nonnegative();

export const countsSchema = z.object({
  items: count,
  classes: count,
  /** Items and classes of each split. */
  splits: z.record(z.enum(splitNames), z.object({ items: count, classes: count })),
});
export type DatasetCounts = z.infer<typeof countsSchema>;

/** dataset.json */
export const manifestSchema = z.object({
  format: z.literal(datasetFormat, { error: `this kindred reads format ${datasetFormat}` }),
  name: z.string().min(1),
  /** Which loader prepared it. */
  source: z.string(),
  /** The kindred version that wrote it. */
  kindred: z.string(),
  /** Folder of the images: relative to dataset.json's when they are inside, else absolute. */
  root: z.string().min(1),
  licence: z.string().optional(),
  citation: z.string().optional(),
  credits: z.array(creditSchema).default([]),
  split: z.object({
    method: z.string(),
    seed: z.number().int(),
    /** '2/5': the second of five folds is the test half. */
    fold: z.string().optional(),
    hash: z.string(),
  }),
  /** How the pictures differ from the published data set, one sentence each. */
  deviations: z.array(z.string()).optional(),
  counts: countsSchema,
});
export type DatasetManifest = z.infer<typeof manifestSchema>;

const maxIdBytes = 512;

/** Why an id cannot be used, or undefined when it can. */
export function idProblem(id: string): string | undefined {
  if (id === '') return 'is empty';
  if (Buffer.byteLength(id) > maxIdBytes) return `is longer than ${maxIdBytes} bytes`;
  return /\p{Cc}/u.test(id) ? 'has control characters' : undefined;
}

/** Inside the root: a data set from elsewhere must not name files outside it. */
function isInsidePath(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !/^[a-z]:/i.test(path) && !path.split(/[/\\]/).includes('..');
}

/** A line of items.jsonl. */
export const itemSchema = z.strictObject({
  id: z.string().superRefine((id, context) => {
    const problem = idProblem(id);
    if (problem !== undefined) context.addIssue(problem);
  }),
  path: z.string().refine(isInsidePath, { error: 'must be relative to the root and stay inside it' }),
  label: z.string().min(1).nullable(),
  split: z.enum(splitNames),
  role: z.enum(roleNames).optional(),
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
