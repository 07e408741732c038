import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { writeFileAtomic } from '../../core/files.js';
import type { CommandModule } from '../command.js';

export const reportOptions = z
  .object({
    model: z.string(),
    data: z.string().optional(),
    out: z.string().default('report.html'),
    split: z.enum(['train', 'validation', 'test'], { error: 'must be test, validation or train' }).default('test'),
    backboneFrom: z.string().optional(),
    allowSeen: z.boolean().default(false),
    threads: wholeNumber(1, 256).optional(),
    json: z.boolean().default(false),
  })
  .superRefine(({ data, split, allowSeen, backboneFrom }, context) => {
    if (data !== undefined) return;
    const given = { split: split !== 'test', allowSeen, backboneFrom: backboneFrom !== undefined };
    for (const [name, is] of Object.entries(given))
      if (is) context.addIssue({ code: 'custom', path: [name], message: 'needs --data' });
  });
type ReportOptions = z.infer<typeof reportOptions>;

const quoted = (text: string): string =>
  /^[\w./:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The command line that makes the page again. */
function commandLine(options: ReportOptions): string {
  const { model, data, split, backboneFrom, allowSeen } = options;
  return [
    `kindred report ${quoted(model)}`,
    ...(data === undefined ? [] : [`--data ${quoted(data)}`]),
    ...(split === 'test' ? [] : [`--split ${split}`]),
    ...(backboneFrom === undefined ? [] : [`--backbone-from ${quoted(backboneFrom)}`]),
    ...(allowSeen ? ['--allow-seen'] : []),
  ].join(' ');
}

export const command: CommandModule = {
  build: (context) =>
    new Command('report')
      .description(
        'write one HTML page about a model: curves, densities, the worst queries, a map, how to make it again',
      )
      .argument('<model>', 'the model bundle, as written by kindred train')
      .option('--data <folder>', 'a prepared data set: without one, the page shows what the bundle holds')
      .option('--out <file>', 'the page (default: report.html)')
      .option('--split <name>', 'test, validation or train (default: test)')
      .option('--backbone-from <path>', 'a local copy of the model’s backbone, for the untrained comparison')
      .option('--allow-seen', 'measure on classes that the model was trained on, too; the page says so')
      .option('--threads <count>', 'worker threads (default: one a core)')
      .option('--json', 'print the numbers as JSON, too')
      .addHelpText(
        'after',
        `
The page needs no network and no other file. What its sections say: docs/report.md.

Examples:
  kindred report .kindred/model
  kindred report .kindred/model --data .kindred/data --out model.html
  kindred report .kindred/model --data .kindred/data --split validation --json > numbers.json`,
      )
      .action(async (model: string, flags: Record<string, unknown>) => {
        const options = parseOptions('report', reportOptions, { ...flags, model });
        const { readBundle } = await import('../../model/bundle.js');
        const { loadDataset } = await import('../../data/dataset-folder.js');
        const { loadCalibration } = await import('../../search/load-calibration.js');
        const { openEmbedder, openUntrainedFor } = await import('../../compose.js');
        const { createReport } = await import('../../report/create.js');
        const { renderPage } = await import('../../report/page.js');
        const { reportJson } = await import('../../report/json.js');
        const { data, out, split, allowSeen, threads, backboneFrom } = options;
        const { progress, signal } = context;
        const bundle = await readBundle(model);
        const report = await createReport({
          bundle,
          model,
          calibration: await loadCalibration(model, bundle.fingerprint),
          command: commandLine(options),
          ...(data !== undefined && {
            data: {
              folder: data,
              dataset: await loadDataset(data),
              split,
              allowSeen,
              threads,
              open: () => openEmbedder(model, { threads }),
              openUntrained: bundle.imported ? undefined : () => openUntrainedFor(bundle, { threads, backboneFrom }),
            },
          }),
          progress,
          signal,
        });
        await writeFileAtomic(out, renderPage(report));
        context.out(options.json ? JSON.stringify(reportJson(report), undefined, 2) : `Report: ${out}`);
      }),
};
