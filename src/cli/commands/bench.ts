import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { KindredError, toPlainError } from '../../core/errors.js';
import { writeFileAtomic } from '../../core/files.js';
import type { Registry } from '../../core/registry.js';
import { type Bundle, readBundle } from '../../model/bundle.js';
import type { Bench, BenchContext, BenchResult } from '../bench/bench.js';
import { dataPictures, makePictures } from '../bench/images.js';
import { describeMachine, type Machine } from '../bench/machine.js';
import { benches } from '../bench/registry.js';
import type { CommandContext, CommandModule } from '../command.js';
import type { OpenEmbedder } from './index.js';

const schema = z.object({
  json: z.string().optional(),
  model: z.string().optional(),
  data: z.string().optional(),
  images: wholeNumber(8, 100_000).default(256),
  runs: wholeNumber(5, 1000).default(5),
  threads: wholeNumber(1, 256).default(availableParallelism()),
  backbone: z.string().default('nsfwjs-mobilenet-v2'),
  backboneFrom: z.string().optional(),
  inputSize: wholeNumber(32, 512).default(96),
});
export type BenchOptions = z.infer<typeof schema>;

/** A bench that could not run here, and why. */
export interface Skipped {
  readonly name: string;
  readonly skipped: string;
}
export interface BenchReport {
  readonly machine: Machine;
  readonly results: readonly (BenchResult | Skipped)[];
}

export interface BenchParts {
  readonly benches: Registry<Bench>;
  readonly openEmbedder: OpenEmbedder;
  readonly makeModel: (folder: string, options: BenchOptions) => Promise<Bundle>;
}

/**
 * Runs the named benches, or all. One that cannot run here says why and the others go on.
 * @throws KindredError unknown-name before anything runs; interrupted; what reading the model or the data set throws
 */
export async function runBenches(
  names: readonly string[],
  options: BenchOptions,
  { progress, signal }: CommandContext,
  parts: BenchParts,
): Promise<BenchReport> {
  const wanted = [...new Set(names.length > 0 ? names : parts.benches.names)];
  const chosen = wanted.map((name): [string, Bench] => [name, parts.benches.get(name)]);
  const scratch = await mkdtemp(join(tmpdir(), 'kindred-bench-'));
  const results: (BenchResult | Skipped)[] = [];
  try {
    const model =
      options.model === undefined
        ? await parts.makeModel(join(scratch, 'model'), options)
        : await readBundle(options.model);
    const images =
      options.data === undefined
        ? await makePictures(join(scratch, 'images'), options.images)
        : await dataPictures(options.data, options.images);
    for (const [name, bench] of chosen) {
      const folder = await mkdtemp(join(scratch, `${name}-`));
      const { openEmbedder } = parts;
      const { runs, threads } = options;
      const context: BenchContext = { images, model, openEmbedder, threads, runs, folder, progress, signal };
      try {
        results.push(...(await bench.run(context)));
      } catch (error) {
        if (signal.aborted) throw new KindredError('interrupted', 'the benches were stopped', { cause: error });
        const { message, hint } = toPlainError(error);
        results.push({ name, skipped: hint === undefined ? message : `${message}. ${hint}` });
      }
      await rm(folder, { recursive: true });
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return { machine: describeMachine(), results };
}

function formatResult(result: BenchResult | Skipped): string {
  const name = result.name.padEnd(26);
  if ('skipped' in result) return `${name} not run: ${result.skipped}`;
  const figure =
    result.ratio === undefined ? `${(result.value ?? NaN).toFixed(1)} ${result.unit ?? ''}` : result.ratio.toFixed(2);
  return `${name} ${figure.padStart(8)}   ${result.runs} runs; ${result.note}`;
}

export function formatReport({ machine, results }: BenchReport): string {
  const { cpu, cores, memoryGiB, node } = machine;
  return [`${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}`, ...results.map(formatResult)].join('\n');
}

export const command: CommandModule = {
  build(context) {
    const list = benches.names.map((name) => `  ${name.padEnd(8)} ${benches.get(name).summary}`).join('\n');
    return new Command('bench')
      .description('side-by-side measurements: only the ratios mean something on another machine')
      .argument('[names...]', `what to measure: ${benches.names.join(', ')} (default: all)`)
      .option('--json <file>', 'also write the results as JSON')
      .option('--model <folder>', 'a model bundle (default: an untrained one, which is as fast)')
      .option('--data <folder>', 'a prepared data set to take pictures from (default: generated pictures)')
      .option('--images <count>', 'pictures a measurement (default: 256)')
      .option('--runs <count>', 'measurements of each side, at least 5 (default: 5)')
      .option('--threads <count>', 'threads of each side (default: one a core)')
      .option('--backbone <name>', 'without --model: the backbone (default: nsfwjs-mobilenet-v2)')
      .option('--backbone-from <path>', 'without --model: a local copy of the backbone')
      .option('--input-size <pixels>', 'without --model: the network’s input (default: 96)')
      .addHelpText(
        'after',
        `\nBenches:\n${list}\n\nExamples:\n  kindred bench\n  kindred bench index --model .kindred/model --data .kindred/data --json bench.json`,
      )
      .action(async (names: string[], flags: Record<string, unknown>) => {
        const options = parseOptions('bench', schema, flags);
        const { openEmbedder } = await import('../../compose.js');
        const { makeUntrainedModel } = await import('../bench/model.js');
        const report = await runBenches(names, options, context, {
          benches,
          openEmbedder,
          makeModel: makeUntrainedModel,
        });
        if (options.json !== undefined) {
          await writeFileAtomic(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
        }
        context.out(formatReport(report));
      });
  },
};
