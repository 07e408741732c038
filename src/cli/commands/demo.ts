import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { trainSchema } from '../../config/train.js';
import { writeFileAtomic } from '../../core/files.js';
import { prepareDataset } from '../../data/prepare.js';
import { datasetSources } from '../../data/sources/registry.js';
import { removeIndex } from '../../indexing/folder/create.js';
import { readIndexInfo } from '../../indexing/folder/info.js';
import { readBundle } from '../../model/bundle.js';
import type { CommandContext, CommandModule } from '../command.js';
import { formatDemo, type DemoMeasurement } from './demo-table.js';
import { evalOptions, realParts, runEval } from './eval.js';
import { runIndex } from './index.js';
import { runServe, serveOptions } from './serve.js';
import { settingsOf } from './train.js';

const schema = z.object({
  folder: z.string().default('.kindred'),
  steps: wholeNumber(1, 100_000).default(200),
  port: wholeNumber(0, 65_535).default(7700),
  serve: z.boolean().default(true),
  withoutDensity: z.boolean().default(false),
});
type DemoOptions = z.infer<typeof schema>;

async function runDemo(options: DemoOptions, context: CommandContext): Promise<void> {
  const { progress, signal, warn, out } = context;
  const at = (name: string): string => join(options.folder, name);
  const started = performance.now();
  const step = (number: number, what: string): void => warn(`\n[${number}/5] ${what}`);

  step(1, 'the catalogue: nine design houses’ drawings of the same things');
  const { manifest } = await prepareDataset({
    source: datasetSources.get('emoji'),
    sourceName: 'emoji',
    out: at('data'),
    split: 'random',
    seed: 0,
    strict: false,
    progress,
    signal,
  });

  step(2, 'training: contrastive loss with the density gate, on half of the classes');
  const { openEmbedder, trainModel } = await import('../../compose.js');
  const config = trainSchema.parse({
    data: at('data'),
    out: at('model'),
    steps: options.steps,
    ...(options.withoutDensity ? { regularizer: 'none' } : {}),
  });
  await trainModel({
    data: config.data,
    out: config.out,
    resume: false,
    settings: settingsOf(config),
    progress,
    signal,
    warn,
  });

  step(3, 'evaluation on the classes it has never seen');
  const evaluation = evalOptions.parse({ data: at('data'), model: at('model') });
  const report = await runEval(evaluation, context, await realParts(evaluation));
  const command = `kindred demo --no-serve --steps ${options.steps}${options.withoutDensity ? ' --without-density' : ''}`;
  await writeFileAtomic(
    at('eval.json'),
    `${JSON.stringify({ ...report, steps: options.steps, command }, undefined, 2)}\n`,
  );

  step(4, 'indexing the whole catalogue');
  const bundle = await readBundle(at('model'));
  const info = await readIndexInfo(at('index'));
  // A demo that was trained anew has another model; its old index answers for the old one.
  if (info && info.fingerprint !== bundle.fingerprint) await removeIndex(at('index'));
  const index = {
    model: at('model'),
    data: at('data'),
    out: at('index'),
    storeImages: false,
    prune: true,
    strict: false,
    json: false,
  };
  await runIndex(index, context, openEmbedder);

  const measurement: DemoMeasurement = {
    report,
    steps: options.steps,
    density: !options.withoutDensity,
    minutes: (performance.now() - started) / 60_000,
  };
  out(await formatDemo(measurement));
  out(
    `Everything is in ${resolve(options.folder)}; licences and credits of the ${manifest.counts.items} drawings: ${at('data')}/dataset.json`,
  );
  if (!options.serve) {
    out(`Serve it with: npx kindred serve --index ${at('index')}`);
    return;
  }
  step(5, 'serving; Ctrl-C stops it');
  await runServe(serveOptions.parse({ index: at('index'), port: options.port }), context, openEmbedder);
}

export const command: CommandModule = {
  build(context) {
    return new Command('demo')
      .description('the main job on a catalogue of emoji drawings: catalogue, train, evaluate, index, serve')
      .option('--folder <dir>', 'where everything goes (default: .kindred)')
      .option('--steps <n>', 'training steps (default: 200)')
      .option('--port <n>', 'port of the page (default: 7700)')
      .option('--no-serve', 'stop after the table')
      .option('--without-density', 'train without the density term, for comparison')
      .addHelpText(
        'after',
        '\nExamples:\n  kindred demo\n  kindred demo --no-serve\n  kindred demo --without-density --no-serve --folder .kindred-plain',
      )
      .action(async (flags: Record<string, unknown>) => runDemo(parseOptions('demo', schema, flags), context));
  },
};
