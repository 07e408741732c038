import { appendFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { KindredError, writeError } from '../core/errors.js';
import { exists } from '../core/files.js';
import type { ReportProgress } from '../core/progress.js';
import { createRandom, shuffled } from '../core/random.js';
import { loadDataset } from '../data/dataset-folder.js';
import { itemsByLabel, type Dataset } from '../data/dataset.js';
import { checkSampler } from '../data/samplers/registry.js';
import { loadBackbone } from './backbones/registry.js';
import type { Backbone } from './backbones/backbone.js';
import { readCheckpoint } from './checkpoint.js';
import { chooseBackend } from './engines/choose.js';
import { engines } from './engines/registry.js';
import { objectiveFor } from './objective.js';
import { checkParity } from './parity.js';
import type { TrainSettings } from './settings.js';
import type { StemSpace } from './stem/stem-cache.js';
import { train, type HistoryEntry, type TrainResult } from './trainer.js';
import { runKey } from './training-state.js';
import { goldenArrays, goldenImages } from '../model/bundle/golden.js';
import { fingerprintOf } from '../model/bundle/fingerprint.js';
import { preprocessing } from '../model/bundle/schema.js';
import { checkReplaceable, writeBundle, type Bundle } from '../model/bundle.js';
import { createEmbedder } from '../model/embedder.js';
import { writeLayersModel } from '../model/layers/write.js';
import { exportEncoder } from '../model/onnx/export.js';

export interface TrainModelOptions {
  /** The folder that `kindred data prepare` wrote. */
  readonly data: string;
  /** Where the bundle goes. */
  readonly out: string;
  readonly settings: TrainSettings;
  /** --backend webgpu may take an adapter that is a processor. */
  readonly allowSoftwareGpu?: boolean;
  /** Where decoded pictures and activations may be kept; default: `defaultSpace`. */
  readonly space?: StemSpace | undefined;
  /** Go on from the checkpoint beside `out`. */
  readonly resume: boolean;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
  readonly warn: (text: string) => void;
}

export interface TrainedModel {
  readonly bundle: Bundle;
  readonly result: TrainResult;
  readonly settings: TrainSettings;
  /** Smallest cosine between TF.js and ONNX Runtime over the sample. */
  readonly parity: number;
  readonly seconds: number;
}

/** Pictures on which TF.js and ONNX Runtime must agree. */
const paritySample = 200;

/** Where a run keeps its checkpoint and history until the bundle is written. */
export function workFolder(out: string): string {
  return `${resolve(out)}.training`;
}

async function exportBundle(
  options: TrainModelOptions,
  dataset: Dataset,
  backbone: Backbone,
  settings: TrainSettings,
  result: TrainResult,
): Promise<{ bundle: Bundle; parity: number }> {
  const onnx = exportEncoder(result.network, backbone.scale);
  const fingerprint = fingerprintOf({ onnx, preprocessing, dimension: settings.dim });
  const embedder = await createEmbedder({
    onnx,
    inputSize: settings.inputSize,
    dimension: settings.dim,
    fingerprint,
    threads: settings.threads,
  });
  const engine = await engines.get('wasm')(result.network, { threads: 1 });
  try {
    const readable = dataset.items.filter(({ split }) => split !== 'none');
    const sample = shuffled(readable, createRandom('parity', settings.seed)).slice(0, paritySample);
    const parity = await checkParity({
      network: result.network,
      scale: backbone.scale,
      engine,
      embedRaw: (pixels, count) => embedder.embedRaw(pixels, count),
      paths: sample.map(({ path }) => join(dataset.root, path)),
      onProgress: (done) => options.progress({ stage: 'checking the export', done, total: sample.length }),
    });
    const golden = goldenArrays(await embedder.embedRaw(goldenImages(settings.inputSize), 3), settings.dim);
    const last = result.history.findLast((entry) => entry['step'] === (result.best?.step ?? settings.steps));
    const validation = last?.['validation'];
    const metrics: Record<string, number> = {};
    if (typeof validation === 'object' && validation !== null) {
      for (const [key, value] of Object.entries(validation))
        if (typeof value === 'number') metrics[`validation.${key === 'recallAt1' ? 'recall@1' : 'map@r'}`] = value;
    }
    const { lambda, lambdaSchedule, lambdaShare, lossOptions, regularizerOptions } = settings;
    const densityOptions = {
      ...regularizerOptions,
      ...(lambda !== undefined && { lambda }),
      ...(lambdaSchedule !== undefined && { lambdaSchedule }),
      ...(lambdaShare !== undefined && { lambdaShare }),
    };
    const bundle = await writeBundle(options.out, {
      onnx,
      layers: writeLayersModel(result.network),
      dimension: settings.dim,
      inputSize: settings.inputSize,
      backbone: { name: backbone.name, cut: backbone.cut, scale: backbone.scale, source: backbone.source },
      loss: { name: settings.loss, options: { ...lossOptions } },
      densityTerm: settings.regularizer === 'none' ? null : { name: settings.regularizer, options: densityOptions },
      training: {
        steps: result.best?.step ?? settings.steps,
        batch: { classes: settings.classesPerBatch, imagesPerClass: settings.imagesPerClass },
        learningRates: { backbone: settings.learningRate, head: settings.learningRate * settings.headRate },
        seed: settings.seed,
        trainFrom: result.trainFrom,
        backend: settings.backend,
        ...(settings.views !== undefined && { views: settings.views }),
        ...(settings.sampler !== undefined && { sampler: settings.sampler }),
        ...(settings.memory ? { memory: settings.memory } : {}),
        selectedOn: settings.selectOn ?? (result.best ? 'validation' : 'last'),
      },
      dataset: {
        name: dataset.name,
        splitHash: dataset.splitHash,
        trainClasses: [...result.trainClasses],
        counts: {
          trainImages: result.trainImages,
          trainClasses: result.trainClasses.length,
          validationImages: result.validationImages,
        },
      },
      metrics,
      golden,
      extra: {
        'history.jsonl': result.history.map((entry) => `${JSON.stringify(entry)}\n`).join(''),
        // All that the run was told, for `kindred report` to print the command that makes this model again.
        'settings.json': `${JSON.stringify(settings, undefined, 2)}\n`,
      },
    });
    return { bundle, parity };
  } finally {
    await embedder.close();
    await engine.dispose();
  }
}

/** The whole of `kindred train`: checks, training with checkpoints, parity-checked export, bundle. */
export async function trainModel(options: TrainModelOptions): Promise<TrainedModel> {
  const { data, out, resume, signal, progress } = options;
  const { allowSoftwareGpu = false, warn } = options;
  const backend = await chooseBackend(options.settings.backend, { allowSoftwareGpu });
  const settings = { ...options.settings, backend: backend.name };
  const objective = objectiveFor(settings);
  checkSampler(settings.sampler ?? 'class', { ...settings, field: settings.samplerField });
  await checkReplaceable(out); // before hours of training
  const dataset = await loadDataset(data);
  const backbone = await loadBackbone(settings.backbone, {
    from: settings.backboneFrom,
    cut: settings.backboneCut,
    scale: settings.backboneScale,
  });
  const work = workFolder(out);
  const checkpointPath = join(work, 'checkpoint.bin');
  const resumeFrom = resume ? await readCheckpoint(checkpointPath) : null;
  if (resume && !resumeFrom) options.warn(`nothing to resume in ${work}: starting from the beginning`);
  if (resumeFrom && resumeFrom.settings !== runKey(settings, dataset)) {
    throw new KindredError('checkpoint-invalid', `the checkpoint in ${work} was made with other options or data`, {
      hint: 'Give the same options and data set as then, or train from the start without --resume.',
    });
  }
  const classes = itemsByLabel(dataset.items.filter(({ split }) => split === 'train'));
  if (classes.size === 0) {
    throw new KindredError('dataset-too-small', `${data} has no class to train on`, {
      hint: 'Label pictures, at least two of each class, and prepare the data set again.',
    });
  }
  warn(backend.report);
  const started = performance.now();
  await mkdir(work, { recursive: true }).catch((error: unknown) => {
    throw writeError(error, work);
  });
  const historyPath = join(work, 'history.jsonl');
  await writeFile(historyPath, (resumeFrom?.history ?? []).map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  const result = await train({
    dataset,
    backbone,
    objective,
    engine: backend.engine,
    settings,
    checkpointPath,
    resumeFrom,
    progress,
    space: options.space,
    warn,
    signal,
    onEpoch: (entry: HistoryEntry) => {
      appendFileSync(historyPath, `${JSON.stringify(entry)}\n`);
    },
  }).catch(async (error: unknown) => {
    // Without a checkpoint there is nothing to go on from.
    if (!(await exists(checkpointPath))) await rm(work, { recursive: true, force: true });
    throw error;
  });
  const { bundle, parity } = await exportBundle(options, dataset, backbone, settings, result);
  await rm(work, { recursive: true, force: true });
  return { bundle, result, settings, parity, seconds: (performance.now() - started) / 1000 };
}
