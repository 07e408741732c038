import { availableParallelism } from 'node:os';
import { basename, extname } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { trainSchema } from '../../config/train.js';
import { cacheFolder } from '../../core/cache-folder.js';
import { KindredError } from '../../core/errors.js';
import { writeFileAtomic } from '../../core/files.js';
import type { Runners } from '../../studies/runners.js';
import type { Resolve } from '../../studies/arms.js';
import type { CommandContext, CommandModule } from '../command.js';
import { commitOf, findData, readGrid } from './ablate-input.js';
import { settingsOf } from './train.js';

const examples = `
Examples:
  kindred ablate grid.yaml                                  runs go to grid.jsonl; the same command goes on where it stopped
  kindred ablate grid.yaml --data photos=./photos --jobs 2
  kindred ablate grid.yaml --dry-run                        what would be run, after checking every combination
  kindred ablate --tables grid.jsonl                        only the tables of runs that are there

A grid (docs/ablate.md):
  name: my-first-study
  data: { photos: ./photos }
  seeds: 6
  settings: { steps: 300 }
  losses: { contrastive: {}, triplet: { margin: 0.2 } }
  regularizers: [none, gate, neighbour]`;

const schema = z.object({
  grid: z.string().optional(),
  out: z.string().optional(),
  data: z.array(z.string().regex(/^[^=]+=.+$/, { error: 'must be NAME=FOLDER' })).default([]),
  backboneFrom: z.string().optional(),
  jobs: wholeNumber(1, 64).default(availableParallelism()),
  cacheDir: z.string().min(1, { error: 'must name a folder' }).default(cacheFolder()),
  tables: z.string().optional(),
  report: z.string().optional(),
  dryRun: z.boolean().default(false),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof schema>;

/** Options of a grid as kindred train reads them; a run has one thread, and its frozen part is kept for the others. */
export const resolver =
  (backboneFrom?: string): Resolve =>
  (values) => {
    const shared = { data: 'grid', out: 'grid', cache: 'disk', threads: 1 };
    const flags = { ...values, ...shared, backboneFrom: backboneFrom ?? values['backboneFrom'] };
    return settingsOf(parseOptions('train', trainSchema, flags, {}));
  };

async function tablesOf(path: string, context: CommandContext): Promise<string> {
  const { readRunLines } = await import('../../studies/summary/read-runs.js');
  const { summarizeStudy } = await import('../../studies/summary/markdown.js');
  const { recordSchema } = await import('../../studies/record.js');
  const { runs, warning } = await readRunLines(path, recordSchema);
  if (warning !== undefined) context.warn(warning);
  return summarizeStudy(runs);
}

async function runGrid(path: string, options: Options, context: CommandContext): Promise<void> {
  const { ablate, checkedPlans } = await import('../../studies/ablate.js');
  const { openResults } = await import('../../studies/results-file.js');
  const { openRunners } = await import('../../studies/runners.js');
  const { summarizeStudy } = await import('../../studies/summary/markdown.js');
  const grid = await readGrid(path);
  const resolveSettings = resolver(options.backboneFrom);
  const data = await findData(grid, path, options, context);
  const { tuning, final } = checkedPlans({ grid, data, resolve: resolveSettings });
  const out = options.out ?? `${basename(path, extname(path))}.jsonl`;
  if (options.dryRun) {
    context.out(
      `${grid.name}: ${tuning} tuning runs and ${final} final runs; every combination fits. They would go to ${out}.`,
    );
    return;
  }
  const results = await openResults(out, context.warn);
  const runners = await openRunners({ jobs: options.jobs, folder: options.cacheDir, commit: await commitOf() });
  const { progress, signal } = context;
  // Runs under way are given up: they are short, and have written nothing.
  const stop = (): void => void runners.close();
  signal.addEventListener('abort', stop);
  try {
    const run: Runners['run'] = (plan) => runners.run(plan);
    const records = await ablate({
      grid,
      data,
      resolve: resolveSettings,
      results,
      run,
      jobs: options.jobs,
      progress,
      signal,
    });
    const others =
      results.known.length - results.known.filter(({ key }) => records.some((one) => one.key === key)).length;
    if (others > 0)
      context.warn(`${out} has ${others} runs of another grid or other settings: they are in no table here`);
    const text = summarizeStudy(records);
    if (options.report !== undefined) await writeFileAtomic(options.report, text);
    context.out(options.json ? JSON.stringify(records) : text);
  } finally {
    signal.removeEventListener('abort', stop);
    await runners.close();
  }
}

export const command: CommandModule = {
  build(context: CommandContext) {
    return new Command('ablate')
      .description('train a grid of losses, density terms and seeds on paired batches, and compare them')
      .argument('[grid]', 'a YAML or JSON file')
      .option('--out <file>', 'where each run goes, one line of JSON (default: the grid’s name + .jsonl)')
      .option(
        '--data <name=folder>',
        'a prepared data set in place of the grid’s; may be repeated',
        (pair: string, pairs: string[] | undefined) => [...(pairs ?? []), pair],
      )
      .option('--backbone-from <path>', 'a local copy of the backbone')
      .option('--jobs <n>', 'runs at a time, one thread each (default: the cores)')
      .option(
        '--cache-dir <dir>',
        'folder for activations and data sets (default: $KINDRED_CACHE, or ~/.cache/kindred)',
      )
      .option('--report <file>', 'write the tables to a Markdown file as well')
      .option('--tables <runs.jsonl>', 'only print the tables of runs that are there')
      .option('--dry-run', 'check the grid and count its runs')
      .option('--json', 'print the records as JSON')
      .addHelpText('after', examples)
      .action(async (grid: string | undefined, flags: Record<string, unknown>) => {
        const options = parseOptions('ablate', schema, { ...flags, grid });
        if (options.tables !== undefined) {
          const text = await tablesOf(options.tables, context);
          if (options.report !== undefined) await writeFileAtomic(options.report, text);
          context.out(text.trimEnd());
          return;
        }
        if (options.grid === undefined) {
          throw new KindredError('usage', 'a grid is missing', { hint: 'See kindred ablate --help for an example.' });
        }
        await runGrid(options.grid, options, context);
      });
  },
};
