import { readFile, stat } from 'node:fs/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { parseOptions, wholeNumber } from '../../config/parse.js';
import { KindredError } from '../../core/errors.js';
import { writeFileAtomic } from '../../core/files.js';
import type { Measured, QuantizedModel } from '../../evaluate/quantize.js';
import { type Bundle, checkReplaceable, readBundle, writeBundle } from '../../model/bundle.js';
import type { CommandContext, CommandModule } from '../command.js';
import { exportVectorsCommand } from './export-vectors.js';

export const exportOptions = z.object({
  out: z.string(),
  quantize: z.stringbool().or(z.boolean()).default(false),
  data: z.string().optional(),
  maxDrop: z.coerce
    .number({ error: 'must be a number, e.g. 0.01' })
    .min(0, { error: 'must be at least 0' })
    .max(1, { error: 'must be at most 1' })
    .default(0.01),
  threads: wholeNumber(1, 256).optional(),
  json: z.boolean().default(false),
});
export type ExportOptions = z.infer<typeof exportOptions>;

/** The model's ONNX graph as a file of its own. */
async function exportPlain(bundle: Bundle, { out, data }: ExportOptions): Promise<string> {
  if (data !== undefined) {
    throw new KindredError('usage', '--data is only used with --quantize', { field: '--data' });
  }
  const isFolder = await stat(out).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) {
    throw new KindredError('output-exists', `${out} is a folder, so no ONNX file is written there`, {
      hint: `Name the file: --out ${out.replace(/\/+$/, '')}/model.onnx`,
      field: '--out',
    });
  }
  await writeFileAtomic(out, await readFile(bundle.onnxPath));
  return [
    `ONNX: ${out} (fingerprint ${bundle.fingerprint.slice(0, 12)})`,
    `Input "pixels": uint8 [N, ${bundle.inputSize}, ${bundle.inputSize}, 3], sRGB. Output "embedding": float32 [N, ${bundle.dimension}], unit length.`,
    `Before it: ${bundle.preprocessing.orientation}, ${bundle.preprocessing.background} behind transparency, ${bundle.preprocessing.resize}, ${bundle.preprocessing.crop}.`,
  ].join('\n');
}

function row(name: string, { recallAt1, mapAtR, imagesPerSecond, bytes }: Measured): string {
  const figures = [
    (100 * recallAt1).toFixed(2),
    (100 * mapAtR).toFixed(2),
    imagesPerSecond.toFixed(0),
    (bytes * 1e-6).toFixed(2),
  ];
  return name.padEnd(9) + figures.map((figure) => figure.padStart(10)).join('');
}

export function formatQuantized(made: QuantizedModel, bundle: Bundle, out: string): string {
  const { float, quantized, validationImages, calibrationImages } = made;
  return [
    `               R@1 %   MAP@R %  images/s        MB   (${validationImages} images of validation classes; the network alone)`,
    row('float32', float),
    row('int8', quantized),
    '',
    `Calibrated on ${calibrationImages} training images. ${(quantized.imagesPerSecond / float.imagesPerSecond).toFixed(2)} times as fast on this machine.`,
    `Model: ${out} (fingerprint ${bundle.fingerprint.slice(0, 12)}). Its embeddings do not mix with the float model's: index again.`,
  ].join('\n');
}

async function exportQuantized(bundle: Bundle, options: ExportOptions, context: CommandContext): Promise<string> {
  const { out, data, maxDrop, threads } = options;
  if (data === undefined) {
    throw new KindredError('usage', '--quantize needs --data: pictures to calibrate with and to measure the loss on', {
      hint: 'Give the data set that the model was trained on.',
      field: '--data',
    });
  }
  // Known before minutes of measuring.
  await checkReplaceable(out);
  const { loadDataset } = await import('../../data/dataset-folder.js');
  const { quantizeModel } = await import('../../evaluate/quantize.js');
  const dataset = await loadDataset(data);
  const seen = new Set(bundle.dataset?.trainClasses);
  if (dataset.items.some(({ split, label }) => split === 'validation' && label !== null && seen.has(label))) {
    context.warn('the model was trained on some of the validation classes: the measured loss says less');
  }
  const { progress, signal } = context;
  const made = await quantizeModel({ bundle, dataset, maxDrop, threads, progress, signal });
  const written = await writeBundle(out, made.parts);
  if (!options.json) return formatQuantized(made, written, out);
  const { float, quantized, validationImages, calibrationImages } = made;
  const { folder, fingerprint } = written;
  return JSON.stringify({
    folder,
    fingerprint,
    from: bundle.fingerprint,
    float,
    quantized,
    validationImages,
    calibrationImages,
  });
}

export const command: CommandModule = {
  build: (context) =>
    new Command('export')
      .description('write a model’s ONNX graph, a model with int8 convolutions, or the vectors of an index')
      .argument('<model>', 'the model bundle, as written by kindred train')
      .option('--out <path>', 'the ONNX file; with --quantize the folder of the new bundle')
      .option('--quantize', 'make a model with int8 convolutions, if it retrieves nearly as well')
      .option('--data <folder>', 'with --quantize: the prepared data set that the model was trained on')
      .option('--max-drop <share>', 'with --quantize: largest R@1 that may be lost, 0 … 1 (default: 0.01)')
      .option('--threads <count>', 'worker threads that decode and embed (default: one a core)')
      .option('--json', 'with --quantize: print the result as JSON')
      .addHelpText(
        'after',
        `
A quantised model is a bundle of its own with its own fingerprint; index, serve, search and eval take it like any other.
The loss is measured on the data set's validation classes, never on its test classes.

Examples:
  kindred export .kindred/model --out model.onnx
  kindred export .kindred/model --quantize --data .kindred/data --out .kindred/model-int8
  kindred export vectors .kindred/index --out vectors.npy`,
      )
      .addCommand(exportVectorsCommand(context))
      .action(async (model: string, flags: Record<string, unknown>) => {
        const options = parseOptions('export', exportOptions, flags);
        const bundle = await readBundle(model);
        context.out(
          options.quantize ? await exportQuantized(bundle, options, context) : await exportPlain(bundle, options),
        );
      }),
};
