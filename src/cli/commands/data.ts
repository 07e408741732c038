import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { KindredError } from '../../core/errors.js';
import { closest } from '../../core/registry.js';
import { checkDataset } from '../../data/check.js';
import { loadDataset } from '../../data/dataset-folder.js';
import { prepareDataset } from '../../data/prepare.js';
import { datasetSources } from '../../data/sources/registry.js';
import { type Fold, splitMethods } from '../../data/split.js';
import type { CommandContext, CommandModule } from '../command.js';
import { describeCheck, describePrepared } from './data-summary.js';

const path = z.string().min(1, { error: 'must not be empty' });

const prepareSchema = z.object({
  out: path,
  from: path.optional(),
  root: path.optional(),
  split: z
    .string()
    .transform((word, context) => {
      const method = splitMethods.find((known) => known === word);
      if (method) return method;
      const near = closest(word, splitMethods);
      context.addIssue(
        `unknown method "${word}"${near ? ` (did you mean "${near}"?)` : ''}; known: ${splitMethods.join(', ')}`,
      );
      return z.NEVER;
    })
    .optional(),
  fold: z
    .string()
    .transform((text, context): Fold => {
      const match = /^(\d{1,4})\/(\d{1,4})$/.exec(text);
      const [index, of] = [Number(match?.[1]), Number(match?.[2])];
      if (match && of >= 2 && index >= 1 && index <= of) return { index, of };
      context.addIssue(`must be i/k with k at least 2 and i from 1 to k, such as 2/5; got "${text}"`);
      return z.NEVER;
    })
    .optional(),
  allowIncomplete: z.boolean().default(false),
  seed: wholeNumber(0, 2 ** 31 - 1).default(0),
  strict: z.boolean().default(false),
  json: z.boolean().default(false),
});

function buildPrepare(context: CommandContext): Command {
  const sources = datasetSources.names.map((name) => `  ${name.padEnd(8)} ${datasetSources.get(name).summary}`);
  return new Command('prepare')
    .description('make a data set: find the images, check them, and split them by class')
    .argument('<source>', datasetSources.names.join(', '))
    .option('--out <dir>', 'folder to write; an earlier data set there is replaced')
    .option(
      '--from <path>',
      'where the images are (folder: a folder; csv: the file; published data sets: archive or folder)',
    )
    .option('--root <dir>', 'csv: the folder that paths are relative to (default: that of the file)')
    .option(
      '--split <method>',
      'official where there is one; else random half of the classes for testing, or every-second by name',
    )
    .option('--fold <i/k>', 'deal the classes out to k folds and test on the i-th, instead of on half of them')
    .option('--seed <number>', 'seed of the random split (default: 0)')
    .option('--allow-incomplete', 'take a published data set that is not whole; dataset.json tells what is missing')
    .option('--strict', 'stop at an image that cannot be read, instead of leaving it out')
    .option('--json', 'print the summary as JSON')
    .addHelpText(
      'after',
      `
Sources:
${sources.join('\n')}

Examples:
  kindred data prepare emoji --out data/emoji
  kindred data prepare folder --from photos --out data/shop
  kindred data prepare csv --from catalogue.csv --out data/shop --seed 3
  kindred data prepare cub --from CUB_200_2011.tgz --out data/cub
  kindred data prepare emoji --fold 2/5 --out data/emoji-2
  kindred data prepare grocery --from ../GroceryStoreDataset --out data/grocery --split every-second`,
    )
    .action(async (name: string, flags: Record<string, unknown>) => {
      const source = datasetSources.get(name);
      const options = parseOptions('data prepare', prepareSchema, flags);
      if (source.from === undefined && options.from !== undefined) {
        throw new KindredError('invalid-option', `${name} takes no --from`, { field: '--from' });
      }
      if (source.from?.required && options.from === undefined) {
        throw new KindredError('invalid-option', '--from is missing', {
          hint: `Give ${source.from.what}: kindred data prepare ${name} --from PATH --out ${options.out}`,
          field: '--from',
        });
      }
      if (options.root !== undefined && name !== 'csv') {
        throw new KindredError('invalid-option', `${name} takes no --root`, {
          hint: 'Only csv does.',
          field: '--root',
        });
      }
      const { progress, signal } = context;
      const summary = await prepareDataset({ ...options, source, sourceName: name, progress, signal });
      context.out(options.json ? JSON.stringify(summary, null, 2) : describePrepared(summary));
    });
}

const checkSchema = z.object({ json: z.boolean().default(false) });

function buildCheck(context: CommandContext): Command {
  return new Command('check')
    .description('look at every image of a data set and say what must be fixed')
    .argument('<dir>', 'a folder that "data prepare" wrote')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', '\nExit code 1 when something must be fixed.\n\nExample:\n  kindred data check data/shop')
    .action(async (folder: string, flags: Record<string, unknown>) => {
      const options = parseOptions('data check', checkSchema, flags);
      const report = await checkDataset(await loadDataset(folder), context);
      context.out(options.json ? JSON.stringify(report, null, 2) : describeCheck(report));
      const { length } = report.problems;
      if (length === 0) return;
      throw new KindredError(
        'dataset-invalid',
        `${folder}: ${length === 1 ? '1 thing' : `${length} things`} must be fixed`,
        {
          hint: options.json ? 'See "problems" in the report.' : 'See the list above.',
        },
      );
    });
}

export const command: CommandModule = {
  build(context) {
    const data = new Command('data').description('prepare and check data sets').allowExcessArguments(true);
    data.addCommand(buildPrepare(context));
    data.addCommand(buildCheck(context));
    data.action((_flags: unknown, self: Command) => {
      const [word] = self.args;
      if (word === undefined) return self.help();
      const names = self.commands.map((child) => child.name());
      const near = closest(word, names);
      throw new KindredError(
        'unknown-command',
        `unknown command "data ${word}"${near ? ` (did you mean "${near}"?)` : ''}`,
        {
          hint: `Known: ${names.join(', ')}. See kindred data --help.`,
        },
      );
    });
    return data;
  },
};
