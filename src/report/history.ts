import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isSystemError, KindredError } from '../core/errors.js';
import type { Bundle } from '../model/bundle.js';

const distribution = z.object({ p10: z.number(), median: z.number(), p90: z.number() });
const side = z.object({
  recallAt1: z.number().nullable(),
  mapAtR: z.number().nullable(),
  ratio: z.number().nullable(),
  effectiveRank: z.number(),
});
const epochSchema = z.object({
  step: z.number(),
  loss: z.number().nullable(),
  penalty: z.number().nullish(),
  spreadToGap: z.number().nullable(),
  validation: z.object({ recallAt1: z.number().nullable(), mapAtR: z.number().nullable() }).nullish(),
  /** Those below are not in bundles of before they were recorded. */
  ratio: distribution.optional(),
  byClass: z
    .object({ classes: z.array(z.number()), spread: z.array(z.number()), ratio: z.array(z.number()) })
    .optional(),
  gap: z.object({ classes: z.number(), images: z.number(), train: side, unseen: side.nullable() }).optional(),
  warning: z.string().optional(),
});

/** What a report shows of a line of `history.jsonl`. */
export type Epoch = z.infer<typeof epochSchema>;

async function readText(bundle: Bundle, name: string): Promise<string | undefined> {
  return readFile(join(bundle.folder, name), 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  });
}

function parse<T>(schema: z.ZodType<T>, text: string, where: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new KindredError('bundle-invalid', `${where} is not what kindred train writes`, {
      hint: 'Copy the bundle again from where it was made, or make it again with kindred train.',
      cause: error,
    });
  }
}

/**
 * The epochs of a model's training, ascending; none for a model that kindred did not train.
 * @throws KindredError bundle-invalid
 */
export async function readHistory(bundle: Bundle): Promise<Epoch[]> {
  const text = await readText(bundle, 'history.jsonl');
  const lines = (text ?? '').split('\n').filter((line) => line !== '');
  return lines.map((line, i) => parse(epochSchema, line, `${join(bundle.folder, 'history.jsonl')}, line ${i + 1},`));
}

/** What the run was told, by the names of `TrainSettings`; null in bundles that do not say. @throws KindredError bundle-invalid */
export async function readSettings(bundle: Bundle): Promise<Readonly<Record<string, unknown>> | null> {
  const text = await readText(bundle, 'settings.json');
  return text === undefined
    ? null
    : parse(z.record(z.string(), z.unknown()), text, join(bundle.folder, 'settings.json'));
}
