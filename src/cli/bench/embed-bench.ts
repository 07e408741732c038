import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { KindredError } from '../../core/errors.js';
import { mapConcurrent } from '../../data/concurrency.js';
import type { Bundle } from '../../model/bundle.js';
import { readBundleNetwork } from '../../model/bundle/network.js';
import { createEmbedder } from '../../model/embedder.js';
import { exportEncoder } from '../../model/onnx/export.js';
import { bareLoops } from './bare.js';
import type { Bench, BenchContext, BenchResult } from './bench.js';
import { compare, type Comparison } from './compare.js';

const goal = { is: 'at least', must: 0.95 } as const;
type Format = 'jpeg' | 'png';

export interface EmbedSettings {
  /** px; a bundle without its layers (a quantised one) is measured at its own size only. */
  readonly inputSizes: readonly number[];
  /** More than this machine has cores are left out. */
  readonly threadCounts: readonly number[];
  readonly formats: readonly Format[];
}
const everySetting: EmbedSettings = { inputSizes: [96, 224], threadCounts: [1, 2], formats: ['jpeg', 'png'] };

interface SizedModel {
  readonly onnxPath: string;
  readonly inputSize: number;
}

/** The same network for other pictures. */
async function sizedModels(model: Bundle, inputSizes: readonly number[], folder: string): Promise<SizedModel[]> {
  if (!('model.json' in model.files)) return [model];
  const models: SizedModel[] = [];
  for (const inputSize of inputSizes) {
    const onnxPath = join(folder, `${inputSize}.onnx`);
    await writeFile(onnxPath, exportEncoder(await readBundleNetwork(model, inputSize), model.backbone.scale));
    models.push({ onnxPath, inputSize });
  }
  return models;
}

/** The pictures in one format; those that have it are taken as they are. */
async function inFormat(images: readonly string[], format: Format, folder: string, signal: AbortSignal) {
  await mkdir(folder, { recursive: true });
  return mapConcurrent(
    images,
    async (path, index) => {
      if ((await sharp(path).metadata()).format === format) return path;
      const converted = join(folder, `${index}.${format}`);
      const picture = sharp(path).autoOrient().flatten({ background: '#fff' });
      await (format === 'png' ? picture.png() : picture.jpeg({ quality: 90 })).toFile(converted);
      return converted;
    },
    { signal },
  );
}

interface Setting {
  readonly model: SizedModel;
  readonly threads: number;
  readonly format: Format;
  readonly images: readonly string[];
}

async function measure({ model, threads, format, images }: Setting, context: BenchContext): Promise<Comparison> {
  const { dimension, fingerprint } = context.model;
  const { onnxPath: onnx, inputSize } = model;
  const embedder = await createEmbedder({ onnx, inputSize, dimension, fingerprint, threads });
  try {
    const ours = async (): Promise<number> => {
      const start = performance.now();
      const outcomes = await embedder.embed(images.map((path) => ({ image: { path } })));
      const failed = outcomes.find((outcome) => !outcome.ok);
      if (failed?.ok === false) throw failed.error;
      return images.length / ((performance.now() - start) / 1000);
    };
    const name = `embed ${inputSize} px, ${threads} thread${threads === 1 ? '' : 's'}, ${format}`;
    const { runs, progress, signal } = context;
    return await compare({ name, ours, theirs: bareLoops({ model, threads, images }), runs, progress, signal });
  } finally {
    await embedder.close();
  }
}

function resultOf(name: string, result: Comparison, runs: number): BenchResult {
  const { ratio, ours, theirs, best } = result;
  const note = `${ours.toFixed(0)} images/s against ${theirs.toFixed(0)} (${best})`;
  return { name, ratio, goal, runs, note, detail: { unit: 'images/s', ...result } };
}

async function run(context: BenchContext, settings: EmbedSettings): Promise<BenchResult[]> {
  const { inputSizes, threadCounts, formats } = settings;
  const { folder, images, runs, signal } = context;
  const models = await sizedModels(context.model, inputSizes, folder);
  const results: BenchResult[] = [];
  for (const format of formats) {
    const pictures = await inFormat(images, format, join(folder, format), signal);
    for (const model of models) {
      for (const threads of threadCounts.filter((count) => count <= availableParallelism())) {
        const name = `embed.vs-bare-loop.${model.inputSize}px.t${threads}.${format}`;
        results.push(resultOf(name, await measure({ model, threads, format, images: pictures }, context), runs));
      }
    }
  }
  const [worst] = results.toSorted((a, b) => (a.ratio ?? NaN) - (b.ratio ?? NaN));
  if (!worst) throw new KindredError('internal', 'nothing was measured');
  const setting = worst.name.replace('embed.vs-bare-loop.', '');
  const ratios = Object.fromEntries(results.map(({ name, ratio }) => [name.replace('embed.vs-bare-loop.', ''), ratio]));
  const overall = { ...worst, name: 'embed.vs-bare-loop', note: `the lowest, ${setting}: ${worst.note}` };
  return [{ ...overall, detail: { ...worst.detail, setting, ratios } }, ...results];
}

export function createEmbedBench(settings: EmbedSettings): Bench {
  return {
    summary: `decoding and embedding against the bare loop, 1 and 2 threads, 96 and 224 px, JPEG and PNG (goal: ${goal.must})`,
    run: (context) => run(context, settings),
  };
}

export const embedBench = createEmbedBench(everySetting);
