import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { KindredError } from '../../core/errors.js';
import type { CheckedGallery } from '../../evaluate/calibration/check.js';
import type { Calibration } from '../../model/calibration.js';
import type { CommandContext, CommandModule } from '../command.js';
import { formatCalibration, formatChecked } from './calibrate-table.js';

const examples = `
Examples:
  kindred calibrate my-model --data my-data               on the data set's validation classes (kindred train does it, too)
  kindred calibrate --index my-index                      on the labels of the items in an index
  kindred calibrate my-model --data my-data --test        also: what the scores are worth on classes never seen
  kindred calibrate my-model --data my-data --test --distractors other-data --json`;

const schema = z.object({
  model: z.string().optional(),
  data: z.string().optional(),
  index: z.string().optional(),
  test: z.boolean().default(false),
  distractors: z.string().optional(),
  threads: wholeNumber(1, 256).optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof schema>;

function checkOptions({ model, data, index, test, distractors }: Options): void {
  const usage = (message: string): KindredError =>
    new KindredError('usage', message, { hint: 'See kindred calibrate --help for examples.' });
  if ((model === undefined) === (index === undefined)) throw usage('give a model with --data, or --index');
  if (model !== undefined && data === undefined) throw usage('--data is missing: the data set of the model');
  if (index !== undefined && (data !== undefined || test))
    throw usage('--data and --test go with a model, not --index');
  if (distractors !== undefined && !test) throw usage('--distractors needs --test');
}

/** Classes that the model was trained on lie closer together than new ones will. */
function warnOfSeen(seen: readonly string[], what: string, warn: CommandContext['warn']): void {
  if (seen.length === 0) return;
  warn(
    `the model was trained on ${seen.length} of the ${what} (${seen[0] ?? ''} …): scores of classes that are new to it will be too high`,
  );
}

async function calibrateIndex(folder: string, { progress, signal, warn }: CommandContext): Promise<Calibration> {
  const { openIndex } = await import('../../indexing/index-folder.js');
  const { labelledItems } = await import('../../evaluate/calibration/index-items.js');
  const { calibrate } = await import('../../evaluate/calibration/calibrate.js');
  const { writeCalibration } = await import('../../evaluate/calibration/stored.js');
  const { readBundle } = await import('../../model/bundle.js');
  const index = await openIndex(folder);
  try {
    const trained = new Set((await readBundle(index.modelFolder)).dataset?.trainClasses);
    const { fields } = await index.catalogue.stats();
    const labels = fields.find(({ field }) => field === 'label')?.values ?? [];
    const seen = labels.map(({ value }) => String(value)).filter((name) => trained.has(name));
    warnOfSeen(seen, 'index’s most frequent labels', warn);
    const set = await labelledItems(index.catalogue, { progress, signal });
    const { fingerprint } = index.catalogue;
    const calibration = await calibrate({ ...set, fingerprint, of: { name: 'index' }, progress, signal });
    await writeCalibration(index.modelFolder, calibration);
    return calibration;
  } finally {
    await index.close();
  }
}

async function calibrateBundle(
  model: string,
  data: string,
  options: Options,
  { progress, signal, warn }: CommandContext,
): Promise<{ calibration: Calibration; checked: CheckedGallery[] | null }> {
  const { openEmbedder } = await import('../../compose.js');
  const { loadDataset } = await import('../../data/dataset-folder.js');
  const { calibrateModel, embedSplits } = await import('../../evaluate/calibration/stored.js');
  const { checkCalibration } = await import('../../evaluate/calibration/check.js');
  const dataset = await loadDataset(data);
  const others = options.distractors === undefined ? undefined : await loadDataset(options.distractors);
  const embedder = await openEmbedder(model, { threads: options.threads });
  try {
    const trained = embedder.bundle.dataset?.trainClasses ?? [];
    const held = new Set(dataset.items.filter(({ split }) => split === 'validation').map(({ label }) => label));
    const seen = trained.filter((name) => held.has(name));
    warnOfSeen(seen, 'validation classes', warn);
    const parts = { dataset, embedder, progress, signal };
    const calibration = await calibrateModel({ ...parts, modelFolder: embedder.bundle.folder });
    if (!options.test) return { calibration, checked: null };
    const set = await embedSplits({ ...parts, splits: ['test'] });
    const strangers = others && (await embedSplits({ ...parts, dataset: others, splits: undefined }));
    const distractors = strangers?.embeddings;
    return { calibration, checked: await checkCalibration({ ...set, calibration, distractors, progress, signal }) };
  } finally {
    await embedder.close();
  }
}

export const command: CommandModule = {
  build(context: CommandContext) {
    return new Command('calibrate')
      .description('fit what the scores of search mean: the probability that a result is of the same class')
      .argument('[model]', 'a model bundle')
      .option('--data <dir>', 'the data set of the model: its validation classes are calibrated on')
      .option('--index <dir>', 'calibrate on the labelled items of an index instead')
      .option('--test', 'also measure on the test classes: precision reached, calibration error')
      .option('--distractors <dir>', 'with --test: a data set whose pictures are put among the gallery')
      .option('--threads <n>', 'threads that embed (default: the cores)')
      .option('--json', 'print the calibration, and what was measured, as JSON')
      .addHelpText('after', examples)
      .action(async (model: string | undefined, flags: Record<string, unknown>) => {
        const options = parseOptions('calibrate', schema, { ...flags, model });
        checkOptions(options);
        const { index, data = '' } = options;
        const { calibration, checked } =
          index !== undefined
            ? { calibration: await calibrateIndex(index, context), checked: null }
            : await calibrateBundle(model ?? '', data, options, context);
        if (options.json) {
          context.out(JSON.stringify({ calibration, test: checked }));
          return;
        }
        context.out([formatCalibration(calibration), ...(checked ? [formatChecked(checked)] : [])].join('\n\n'));
      });
  },
};
