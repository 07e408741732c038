import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { KindredError } from '../../core/errors.js';
import { readBundle, type Bundle } from '../../model/bundle.js';
import type { ComparedModel } from '../../studies/compare.js';
import { formatComparison } from '../../studies/compare-table.js';
import type { CommandModule } from '../command.js';

/** Stands for the backbone of the other model, as it came. */
const untrained = 'untrained';

export const compareOptions = z.object({
  data: z.string(),
  split: z.enum(['train', 'validation', 'test'], { error: 'must be test, validation or train' }).default('test'),
  by: z.string().min(1).optional(),
  backboneFrom: z.string().optional(),
  threads: wholeNumber(1, 256).optional(),
  json: z.stringbool().or(z.boolean()).default(false),
});
export type CompareFlags = z.infer<typeof compareOptions>;

async function trainedModel(
  folder: string,
  { threads }: CompareFlags,
): Promise<{ bundle: Bundle; model: ComparedModel }> {
  const bundle = await readBundle(folder);
  const { dataset } = bundle;
  const { openEmbedder } = await import('../../compose.js');
  const training = dataset
    ? { dataset: dataset.name, splitHash: dataset.splitHash, classes: dataset.trainClasses }
    : undefined;
  return { bundle, model: { name: folder, open: () => openEmbedder(folder, { threads }), training } };
}

async function untrainedModel(bundle: Bundle, { threads, backboneFrom }: CompareFlags): Promise<ComparedModel> {
  if (bundle.imported) {
    throw new KindredError('usage', `${bundle.folder} was imported: there is no untrained backbone of it`, {
      hint: 'Compare it with another bundle.',
    });
  }
  const { openUntrainedFor } = await import('../../compose.js');
  return {
    name: untrained,
    open: () => openUntrainedFor(bundle, { threads, backboneFrom }),
    training: untrained,
  };
}

/**
 * The two sides, checked before anything is embedded.
 * @throws KindredError usage, file-not-found, bundle-invalid, bundle-damaged
 */
export async function bothModels(
  first: string,
  second: string,
  flags: CompareFlags,
): Promise<{ a: ComparedModel; b: ComparedModel }> {
  if (first === untrained && second === untrained) {
    throw new KindredError('usage', 'at least one side must be a model bundle', {
      hint: '"untrained" stands for the backbone of the other model.',
    });
  }
  if (first === untrained) {
    const { bundle, model } = await trainedModel(second, flags);
    return { a: await untrainedModel(bundle, flags), b: model };
  }
  const { bundle, model } = await trainedModel(first, flags);
  if (second === untrained) return { a: model, b: await untrainedModel(bundle, flags) };
  return { a: model, b: (await trainedModel(second, flags)).model };
}

export const command: CommandModule = {
  build: (context) =>
    new Command('compare')
      .description('measure two models on the same queries, with intervals of the difference')
      .argument('<a>', 'a model bundle, trained or imported; or "untrained": the backbone of the other')
      .argument('<b>', 'the same')
      .option('--data <folder>', 'a prepared data set')
      .option('--split <name>', 'test, validation or train (default: test)')
      .option(
        '--by <field>',
        'break the difference down by this metadata field (default: category, where images have it)',
      )
      .option('--backbone-from <path>', 'a local copy of the backbone, for "untrained"')
      .option('--threads <count>', 'worker threads that decode, embed and search (default: one a core)')
      .option('--json', 'print the whole comparison, every class of it, as JSON')
      .addHelpText(
        'after',
        `
All differences are A − B. What the intervals and the verdict mean: docs/compare.md.

Examples:
  kindred compare .kindred/model .kindred/clip --data .kindred/data
  kindred compare .kindred/model untrained --data .kindred/data --by category
  kindred compare gate plain --data .kindred/data --json > comparison.json`,
      )
      .action(async (first: string, second: string, values: Record<string, unknown>) => {
        const flags = parseOptions('compare', compareOptions, values);
        const { loadDataset } = await import('../../data/dataset-folder.js');
        const { compareModels } = await import('../../studies/compare.js');
        const dataset = await loadDataset(flags.data);
        const { split, by, threads, json } = flags;
        const { progress, signal } = context;
        const models = await bothModels(first, second, flags);
        const report = await compareModels({ dataset, split, by, threads, ...models, progress, signal });
        context.out(json ? `${JSON.stringify(report, undefined, 2)}\n` : formatComparison(report));
      }),
};
