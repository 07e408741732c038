import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { isSystemError, KindredError } from '../../core/errors.js';
import { type Bundle, checkReplaceable, readBundle, writeBundle } from '../../model/bundle.js';
import { layouts, poolings, presets, type ImportOptions } from '../../model/import/options.js';
import type { CommandContext, CommandModule } from '../command.js';
import { formatBundle } from './bundle-summary.js';

const threeNumbers = (least: number) =>
  z.string().transform((text, context) => {
    const numbers = text.split(',').map(Number);
    if (numbers.length === 3 && !text.includes(',,') && numbers.every((one) => Number.isFinite(one) && one >= least)) {
      return numbers;
    }
    context.addIssue(`must be three numbers${least > 0 ? ' above 0' : ''} for R, G and B, e.g. 0.5,0.5,0.5`);
    return z.NEVER;
  });

export const importOptions = z.object({
  out: z.string(),
  inputSize: wholeNumber(8, 1024).optional(),
  resize: wholeNumber(8, 2048).optional(),
  preset: z.string().optional(),
  mean: threeNumbers(-255).optional(),
  std: threeNumbers(1e-6).optional(),
  layout: z.enum(layouts, { error: `must be ${layouts.join(' or ')}` }).optional(),
  output: z.string().optional(),
  pooling: z.enum(poolings, { error: `must be ${poolings.join(', ')}` }).default('none'),
  json: z.stringbool().or(z.boolean()).default(false),
});
export type ImportFlags = z.infer<typeof importOptions>;

/** @throws KindredError usage, unknown-name */
export function encoderOptions({ preset, mean, std, ...rest }: ImportFlags): ImportOptions {
  const { inputSize, resize, layout, output, pooling } = rest;
  const common = { inputSize, resize, layout, output, pooling };
  const known = `Known presets: ${presets.names.join(', ')}.`;
  if (preset !== undefined && (mean !== undefined || std !== undefined)) {
    throw new KindredError('usage', '--preset and --mean with --std exclude each other', { hint: known });
  }
  if (preset !== undefined) return { ...presets.get(preset), ...common };
  if (mean === undefined || std === undefined) {
    throw new KindredError('usage', 'how the encoder wants its colours is missing', {
      hint: `Give --preset NAME, or --mean and --std. ${known}`,
      field: '--preset',
    });
  }
  return { mean, std, ...common };
}

async function readOnnxFile(file: string): Promise<Uint8Array> {
  return readFile(file).catch((error: unknown) => {
    const missing = isSystemError(error, 'ENOENT');
    throw new KindredError(
      missing ? 'file-not-found' : 'file-unreadable',
      `${missing ? 'there is no file' : 'cannot read'} ${file}`,
      { hint: 'Give the .onnx file of an image encoder.', cause: error },
    );
  });
}

/** @throws KindredError import-unsupported, output-exists, and what reading and writing files brings */
export async function runImport(
  file: string,
  flags: ImportFlags,
  context: Pick<CommandContext, 'progress' | 'signal'>,
): Promise<Bundle> {
  const options = encoderOptions(flags);
  // Known before a large file is read and tried.
  await checkReplaceable(flags.out);
  context.progress({ stage: 'reading', done: 0, total: 2, unit: 'steps' });
  const bytes = await readOnnxFile(file);
  context.progress({ stage: 'trying with ONNX Runtime', done: 1, total: 2, unit: 'steps' });
  const { importEncoder } = await import('../../model/import/import.js');
  const parts = await importEncoder(bytes, basename(file), options);
  if (context.signal.aborted) throw new KindredError('interrupted', 'stopped; nothing was written');
  const bundle = await writeBundle(flags.out, parts);
  context.progress({ stage: 'written', done: 2, total: 2, unit: 'steps' });
  return bundle;
}

/** bundle.json without what is not for people, and the size of each file. */
async function bundleAsJson(bundle: Bundle) {
  const { golden, folder, onnxPath, files, ...rest } = bundle;
  const entries = Object.entries(files).map(async ([name, sha256]) => {
    const { size } = await stat(join(folder, name));
    return { name, bytes: size, sha256 };
  });
  return { folder, ...rest, goldenVectors: golden.length, files: await Promise.all(entries), onnxPath };
}

async function print(bundle: Bundle, json: boolean, context: CommandContext): Promise<void> {
  const described = await bundleAsJson(bundle);
  context.out(json ? `${JSON.stringify(described, undefined, 2)}\n` : formatBundle(bundle, described.files));
}

function importCommand(context: CommandContext): Command {
  return new Command('import')
    .description('make a bundle of any ONNX image encoder, such as CLIP or DINOv2')
    .argument('<file>', 'the .onnx file, with its weights inside')
    .option('--out <folder>', 'the new bundle')
    .option('--preset <name>', `how the encoder wants its colours: ${presets.names.join(', ')}`)
    .option('--mean <r,g,b>', 'instead of a preset: subtracted from colours in 0 … 1')
    .option('--std <r,g,b>', 'instead of a preset: what they are then divided by')
    .option('--input-size <px>', 'width and height of its pictures (default: as the graph says)')
    .option('--resize <px>', 'shorter side of a picture before the input is cut out of it (default: the input size)')
    .option('--layout <name>', 'nchw or nhwc (default: as the graph says)')
    .option('--output <name>', 'the value that is the embedding (default: the only output, or the one so named)')
    .option('--pooling <name>', 'of several vectors a picture: cls (the first) or mean (default: none)')
    .option('--json', 'print what is in the bundle as JSON')
    .addHelpText(
      'after',
      `
The bundle works like a trained one: index, search, serve, eval and compare take it. Details: docs/import.md.

Examples:
  kindred bundle import clip-vit-b32-vision.onnx --out .kindred/clip --preset clip
  kindred bundle import dinov2-small.onnx --out .kindred/dinov2 --preset dinov2 --input-size 224 --resize 256 --pooling cls
  kindred bundle import encoder.onnx --out .kindred/mine --mean 0.5,0.5,0.5 --std 0.25,0.25,0.25`,
    )
    .action(async (file: string, flags: Record<string, unknown>) => {
      const options = parseOptions('bundle import', importOptions, flags);
      await print(await runImport(file, options, context), options.json, context);
    });
}

function showCommand(context: CommandContext): Command {
  return new Command('show')
    .description('print what is in a model bundle, after checking its files')
    .argument('<model>', 'the bundle')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  kindred bundle show .kindred/model\n  kindred bundle show .kindred/clip --json',
    )
    .action(async (model: string, flags: { json?: boolean }) => {
      await print(await readBundle(model), flags.json === true, context);
    });
}

export const command: CommandModule = {
  build: (context) =>
    new Command('bundle')
      .description('make a model bundle of an ONNX encoder, or look into one')
      .addCommand(importCommand(context))
      .addCommand(showCommand(context)),
};
