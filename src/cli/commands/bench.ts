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
import {
  type AnyBench,
  type BenchResult,
  type Goal,
  type SharedContext,
  type Skipped,
  trainingParts,
} from '../bench/bench.js';
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
  backbone: z.string().optional(),
  backboneFrom: z.string().optional(),
  inputSize: wholeNumber(32, 512).default(96),
  classesPerBatch: wholeNumber(2, 512).default(16),
  imagesPerClass: wholeNumber(2, 64).default(4),
  steps: wholeNumber(1, 10_000).default(8),
  /** A list, or in one word with commas, as from the environment. */
  only: z
    .preprocess(
      (given) => (typeof given === 'string' ? given.split(',') : given),
      z.array(z.enum(trainingParts, { error: `must be one of ${trainingParts.join(', ')}` })).min(1),
    )
    .optional(),
});
export type BenchOptions = z.infer<typeof schema>;

export interface BenchReport {
  readonly machine: Machine;
  readonly results: readonly (BenchResult | Skipped)[];
}

export interface BenchParts {
  readonly benches: Registry<AnyBench>;
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
  const chosen = wanted.map((name): [string, AnyBench] => [name, parts.benches.get(name)]);
  const scratch = await mkdtemp(join(tmpdir(), 'kindred-bench-'));
  const results: (BenchResult | Skipped)[] = [];
  try {
    const given = options.model === undefined ? undefined : await readBundle(options.model);
    let made: Promise<Bundle> | undefined;
    const model = (): Promise<Bundle> =>
      (made ??= given ? Promise.resolve(given) : parts.makeModel(join(scratch, 'model'), options));
    const images = chosen.every(([, bench]) => bench.plain)
      ? []
      : options.data === undefined
        ? await makePictures(join(scratch, 'images'), options.images)
        : await dataPictures(options.data, options.images);
    for (const [name, bench] of chosen) {
      const folder = await mkdtemp(join(scratch, `${name}-`));
      const { openEmbedder } = parts;
      const { runs, threads } = options;
      const shared: SharedContext = { images, threads, runs, folder, progress, signal };
      try {
        const rows = bench.plain
          ? await bench.run(shared)
          : bench.trains === true
            ? await bench.run({ ...shared, training: options })
            : await bench.run({ ...shared, model: await model(), openEmbedder });
        results.push(...rows);
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
  return { machine: await describeMachine({ withTorch: chosen.some(([, bench]) => bench.trains === true) }), results };
}

/** A value with as many digits as say something: a share needs more than a count. */
function plainNumber(value: number): string {
  return Math.abs(value) < 1 ? value.toFixed(3) : value.toFixed(1);
}

function formatGoal({ is, must, aim }: Goal, figure: number): string {
  const sign = is === 'at least' ? '≥' : '≤';
  const reaches = (limit: number): boolean => (is === 'at least' ? figure >= limit : figure <= limit);
  const met = reaches(must) ? (aim !== undefined && reaches(aim) ? 'aim met' : 'met') : 'missed';
  return `goal ${sign} ${must}${aim === undefined ? '' : `, aim ${sign} ${aim}`}: ${met}; `;
}

function formatResult(result: BenchResult | Skipped): string {
  const name = result.name.padEnd(26);
  if ('skipped' in result) return `${name} not run: ${result.skipped}`;
  const { ratio, value = NaN, unit = '', goal, runs, note } = result;
  const figure = ratio === undefined ? `${plainNumber(value)} ${unit}` : ratio.toFixed(2);
  const wanted = goal ? formatGoal(goal, ratio ?? value) : '';
  return `${name} ${figure.padStart(8)}   ${wanted}${runs} ${runs === 1 ? 'run' : 'runs'}; ${note}`;
}

export function formatReport({ machine, results }: BenchReport): string {
  const { cpu, cores, memoryGiB, node, runtimes } = machine;
  const versions = Object.entries(runtimes).map(([name, version]) => `${name} ${version}`);
  const about = [cpu, `${cores} cores`, `${memoryGiB} GiB`, `Node ${node}`, ...versions].join(', ');
  return [about, ...results.map(formatResult)].join('\n');
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
      .option(
        '--backbone <name>',
        'the backbone to train, and without --model to embed with (default: generated weights in MobileNetV1’s shape, and nsfwjs-mobilenet-v2)',
      )
      .option('--backbone-from <path>', 'a local copy of the backbone')
      .option('--input-size <pixels>', 'the network’s input (default: 96)')
      .option('--classes-per-batch <n>', 'train: classes in a batch (default: 16)')
      .option('--images-per-class <n>', 'train: images of each (default: 4)')
      .option('--steps <n>', 'train: steps of a measurement (default: 8)')
      .option(
        '--only <parts...>',
        'train: partial and whole are against PyTorch, accumulate is memory, own is kindred against itself (default: all)',
      )
      .addHelpText(
        'after',
        `\nBenches:\n${list}\n\nExamples:\n  kindred bench\n  kindred bench index --model .kindred/model --data .kindred/data --json bench.json\n  kindred bench train --backbone mobilenet-v1 --backbone-from ./mobilenet --data .kindred/data`,
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
