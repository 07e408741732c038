import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { KindredError } from '../../core/errors.js';
import { writeFileAtomic } from '../../core/files.js';
import type { Dataset } from '../../data/dataset.js';
import { defaultKs } from '../../evaluate/evaluate.js';
import type { EvaluationReport } from '../../evaluate/report.js';
import { metricFamilies, type MetricFamily } from '../../evaluate/metric-names.js';
import { runEvaluation, type OpenEmbedder } from '../../evaluate/run.js';
import { formatReport } from '../../evaluate/table.js';
import { type TrainingRecord, trainingRecordOf } from '../../evaluate/zero-shot.js';
import type { CommandContext, CommandModule } from '../command.js';

const listOfKs = z
  .string()
  .regex(/^\d+(,\d+)*$/, { error: 'must be whole numbers with commas between, e.g. 1,2,4,8' })
  .transform((text) => [...new Set(text.split(',').map(Number))].sort((a, b) => a - b))
  .refine((ks) => ks.every((k) => k >= 1), { error: 'must be at least 1' });

const listOfMetrics = z.string().transform((text, context): readonly MetricFamily[] => {
  const words = text.split(',').map((word) => word.trim());
  const known = metricFamilies.filter((family) => words.includes('all') || words.includes(family));
  const unknown = words.find((word) => word !== 'all' && !metricFamilies.some((family) => family === word));
  if (unknown !== undefined) context.addIssue(`"${unknown}" is none of all, ${metricFamilies.join(', ')}`);
  return known;
});

export const evalOptions = z.object({
  data: z.string(),
  model: z.string().optional(),
  untrained: z.stringbool().or(z.boolean()).default(false),
  backbone: z.string().default('nsfwjs-mobilenet-v2'),
  backboneFrom: z.string().optional(),
  backboneCut: z.string().optional(),
  backboneScale: z.string().optional(),
  inputSize: wholeNumber(32, 512).default(96),
  split: z.enum(['train', 'validation', 'test'], { error: 'must be test, validation or train' }).default('test'),
  recallAt: listOfKs.default([...defaultKs]),
  metrics: listOfMetrics.optional(),
  by: z.string().min(1).optional(),
  threads: wholeNumber(1, 256).optional(),
  allowSeen: z.stringbool().or(z.boolean()).default(false),
  json: z.string().optional(),
});
export type EvalOptions = z.infer<typeof evalOptions>;

/** A bundle on disk. Nothing is embedded before one of these is opened. */
export interface EvaluatedModel {
  /** What the bundle says it was trained on. */
  readonly training: TrainingRecord | undefined;
  readonly open: OpenEmbedder;
  /** The model's backbone before training: same cut and input size, no head. Absent: kindred did not train it. */
  readonly openUntrained?: OpenEmbedder;
}

/** What the command needs of the rest of kindred, so that tests can stand in for it. */
export interface EvalParts {
  readonly loadDataset: (folder: string) => Promise<Dataset>;
  readonly readModel: (folder: string) => Promise<EvaluatedModel>;
  readonly openUntrained: OpenEmbedder;
}

/** @throws KindredError usage unless exactly one of --model and --untrained is given */
export async function runEval(
  options: EvalOptions,
  context: Pick<CommandContext, 'progress' | 'signal' | 'warn'>,
  parts: EvalParts,
): Promise<EvaluationReport> {
  const { model } = options;
  if ((model !== undefined) === options.untrained) {
    throw new KindredError(
      'usage',
      model === undefined ? 'nothing to evaluate' : '--model and --untrained exclude each other',
      {
        hint: 'Give --model MODEL (its untrained backbone is measured beside it), or --untrained for a backbone alone.',
      },
    );
  }
  const dataset = await parts.loadDataset(options.data);
  const evaluated = model === undefined ? undefined : await parts.readModel(model);
  if (evaluated && !evaluated.openUntrained) {
    context.warn(
      'the model was imported: it has no untrained backbone beside it, its numbers stand under "untrained", and whether its training saw these classes is not known',
    );
  }
  const trained = evaluated?.openUntrained ? evaluated : undefined;
  return runEvaluation({
    dataset,
    split: options.split,
    ks: options.recallAt,
    metrics: options.metrics,
    by: options.by,
    threads: options.threads,
    allowSeen: options.allowSeen,
    progress: context.progress,
    signal: context.signal,
    ...(trained && { model: trained }),
    openUntrained: evaluated?.openUntrained ?? evaluated?.open ?? parts.openUntrained,
  });
}

/** The real parts, loaded when the command line has been understood. */
export async function realParts(options: EvalOptions): Promise<EvalParts> {
  const { loadDataset } = await import('../../data/dataset-folder.js');
  const { readBundle } = await import('../../model/bundle.js');
  const { openEmbedder, openUntrainedEmbedder, openUntrainedFor } = await import('../../compose.js');
  const { threads, backboneFrom } = options;
  return {
    loadDataset,
    async readModel(folder) {
      const bundle = await readBundle(folder);
      return {
        training: trainingRecordOf(bundle),
        open: () => openEmbedder(folder, { threads }),
        ...(!bundle.imported && { openUntrained: () => openUntrainedFor(bundle, { threads, backboneFrom }) }),
      };
    },
    openUntrained: () => openUntrainedEmbedder(options),
  };
}

export const command: CommandModule = {
  build: (context) =>
    new Command('eval')
      .description('measure retrieval on classes never trained on, beside the untrained backbone')
      .option('--data <folder>', 'a prepared data set')
      .option('--model <folder>', 'the model bundle, as written by kindred train')
      .option('--untrained', 'measure a backbone alone, without a model')
      .option('--backbone <name|path>', 'with --untrained: the backbone (default: nsfwjs-mobilenet-v2)')
      .option('--backbone-from <path>', 'a local copy of the backbone (the model’s, or the one named)')
      .option('--backbone-cut <layer>', 'with --untrained: the last layer that is kept')
      .option('--backbone-scale <name>', 'with --untrained and a path: how its pixels are scaled')
      .option('--input-size <px>', 'with --untrained: width and height of the input, a multiple of 32 (default: 96)')
      .option('--split <name>', 'test, validation or train (default: test)')
      .option('--recall-at <list>', 'the K of Recall@K and P@K (default: 1,2,4,8)')
      .option(
        '--metrics <list>',
        `all, or some of ${metricFamilies.join(', ')} (default: recall, r-precision, map@r, mrr; nmi, ami, f1 too where a clustering takes seconds)`,
      )
      .option('--by <field>', 'break the results down by this metadata field (default: category, where images have it)')
      .option('--allow-seen', 'measure on classes that the model was trained on, too; the report says so')
      .option('--threads <count>', 'worker threads that decode, embed and search (default: one a core)')
      .option('--json <file>', 'write the report as JSON, too; - writes it to stdout instead of the table')
      .addHelpText(
        'after',
        `
Every image of the split's classes searches among all others of the split; where the data set has query and gallery
pictures, the queries search in the gallery. What the numbers mean: docs/evaluation.md.

Examples:
  kindred eval --data .kindred/data --model .kindred/model --json eval.json
  kindred eval --data .kindred/data --untrained --backbone mobilenet-v1
  kindred eval --data .kindred/data --model .kindred/model --metrics all --by brand`,
      )
      .action(async (flags: Record<string, unknown>) => {
        const options = parseOptions('eval', evalOptions, flags);
        const report = await runEval(options, context, await realParts(options));
        const json = `${JSON.stringify(report, undefined, 2)}\n`;
        if (options.json === '-') {
          context.out(json);
          return;
        }
        if (options.json !== undefined) await writeFileAtomic(options.json, json);
        context.out(formatReport(report));
      }),
};
