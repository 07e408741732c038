import { join } from 'node:path';
import { KindredError } from '../core/errors.js';
import type { ReportProgress } from '../core/progress.js';
import type { Dataset } from '../data/dataset.js';
import { createClassSampler } from '../data/samplers.js';
import type { Network } from '../model/graph.js';
import { exportStem } from '../model/onnx/export.js';
import { splitBefore, join as joinNetworks } from '../model/surgery.js';
import { adamStep, createAdamState, scheduleAt } from './adam.js';
import type { Backbone } from './backbones/backbone.js';
import { writeCheckpoint, type Checkpoint } from './checkpoint.js';
import type { EngineFactory } from './engines/engine.js';
import { headParameters, withHead } from './head.js';
import { createBatchLayout } from './losses/batch-layout.js';
import type { Objective, ObjectiveValue } from './objective.js';
import type { TrainSettings } from './settings.js';
import { createStemPipeline } from './stem/stem-pipeline.js';
import { batchDensity, checkCollapse, summarizeEpoch, type BatchStatistics } from './telemetry.js';
import { copyOf, restore, runKey, toArrays } from './training-state.js';
import { validate } from './validation.js';

export type HistoryEntry = Readonly<Record<string, unknown>>;

export interface TrainOptions {
  readonly dataset: Dataset;
  readonly backbone: Backbone;
  readonly objective: Objective;
  readonly engine: EngineFactory;
  readonly settings: TrainSettings;
  /** Where the checkpoint goes at the end of each epoch and on abort. */
  readonly checkpointPath: string;
  readonly resumeFrom: Checkpoint | null;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
  /** Told after each epoch. */
  readonly onEpoch: (entry: HistoryEntry) => void;
}

export interface TrainResult {
  /** The whole network, stem and learned part, with the parameters of the best epoch by MAP@R. */
  readonly network: Network;
  readonly trainClasses: readonly string[];
  readonly trainImages: number;
  readonly validationImages: number;
  readonly best: { readonly step: number; readonly mapAtR: number } | null;
  readonly history: readonly HistoryEntry[];
  readonly trainFrom: string;
  readonly imagesPerSecond: number;
}

/** Batches that may be in preparation while one trains. */
const ahead = 2;

/** The part that learns gets copies of its parameters: they are changed in place. */
function writable(network: Network): Network {
  const parameters = new Map(
    [...network.parameters].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
  );
  return { ...network, parameters };
}

/**
 * Trains: batches are decoded, augmented and run through the frozen stem in worker threads while the engine computes the
 * gradients of the batch before; validation, checkpoint and a history line at the end of each epoch.
 * @throws KindredError dataset-too-small, training-collapsed, interrupted (a checkpoint is left), and the engine's
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { dataset, backbone, objective, settings, progress, signal, resumeFrom } = options;
  const items = dataset.items.filter(({ split }) => split === 'train' || split === 'validation');
  const trainItems = items.filter(({ split }) => split === 'train');
  const sampler = createClassSampler({ ...settings, items: trainItems });
  const positions = new Map(items.map((item, i) => [item, i]));
  const trainPositions = trainItems.map((item) => positions.get(item) ?? 0);
  const held = items.filter(({ split }) => split === 'validation');
  const heldLabels = [...new Set(held.map(({ label }) => label))];
  const validationSet = {
    indices: held.map((item) => positions.get(item) ?? 0),
    labels: Int32Array.from(held, ({ label }) => heldLabels.indexOf(label)),
  };

  const whole = withHead(backbone.network(settings.inputSize), settings.dim, settings.seed);
  const trainFrom = settings.trainFrom ?? backbone.trainFrom ?? 'all';
  const firstLayer = whole.nodes[0]?.layers[0] ?? '';
  const parts = splitBefore(whole, trainFrom === 'all' ? firstLayer : trainFrom);
  const rest = writable(parts.rest);
  const engine = await options.engine(rest, { threads: settings.threads });
  const layout = createBatchLayout(settings.classesPerBatch, settings.imagesPerClass);
  const pipeline = await createStemPipeline({
    onnx: exportStem(parts.stem, backbone.scale, engine.layout),
    inputSize: settings.inputSize,
    paths: items.map(({ path }) => join(dataset.root, path)),
    threads: settings.threads,
  });

  const adam = createAdamState(rest.parameters);
  const bestValues = copyOf(rest.parameters);
  const history: HistoryEntry[] = [...(resumeFrom?.history ?? [])];
  let best = resumeFrom?.best ?? null;
  if (resumeFrom) restore(resumeFrom, rest.parameters, adam, bestValues);
  const firstStep = resumeFrom?.step ?? 0;

  const prepare = (step: number): Promise<Float32Array> => {
    const { indices } = sampler.next(step);
    const chosen = indices.map((index) => trainPositions[index] ?? 0);
    return pipeline.run(
      chosen,
      chosen.map((index, slot) => `${settings.seed}/${step}/${slot}/${items[index]?.id ?? ''}`),
    );
  };
  const save = (step: number): Promise<void> =>
    writeCheckpoint(options.checkpointPath, {
      step,
      settings: runKey(settings, dataset),
      best,
      history,
      arrays: toArrays(rest.parameters, adam, bestValues),
    });

  const started = performance.now();
  const queue = new Map<number, Promise<Float32Array>>();
  try {
    const epochSteps = Math.max(1, Math.ceil(sampler.images / sampler.batchSize));
    let batches: BatchStatistics[] = [];
    for (let step = firstStep; step < settings.steps; step++) {
      for (let soon = step; soon <= Math.min(step + ahead, settings.steps - 1); soon++) {
        if (queue.has(soon)) continue;
        const prepared = prepare(soon);
        prepared.catch(() => undefined); // reported when its turn comes
        queue.set(soon, prepared);
      }
      if (signal.aborted) {
        await save(step);
        throw new KindredError('interrupted', `stopped after ${step} of ${settings.steps} steps`, {
          hint: 'Run the same command with --resume to go on.',
        });
      }
      const activations = (await queue.get(step)) ?? new Float32Array(0);
      queue.delete(step);
      const seen: { penalty: number | null; attraction: number | null } = { penalty: null, attraction: null };
      const { loss, gradients, embeddings } = await engine.gradients(
        activations,
        sampler.batchSize,
        rest.parameters,
        (raw) => {
          const value: ObjectiveValue = objective.compute(raw, layout);
          seen.penalty = value.penalty?.dataSync()[0] ?? null;
          if (value.attraction)
            seen.attraction = [...value.attraction.dataSync()].reduce((sum, w) => sum + w, 0) / layout.classesPerBatch;
          return value.total;
        },
      );
      const batch = { loss, ...seen, ...batchDensity(embeddings, layout) };
      checkCollapse(batch, step);
      batches.push(batch);
      const share = scheduleAt(step, settings.steps);
      adamStep(
        rest.parameters,
        gradients,
        adam,
        (name) => settings.learningRate * share * (headParameters.has(name) ? settings.headRate : 1),
      );

      const done = step + 1;
      const imagesPerSecond = ((done - firstStep) * sampler.batchSize * 1000) / (performance.now() - started);
      progress({
        stage: 'training',
        done,
        total: settings.steps,
        unit: 'steps',
        note: `loss ${loss.toFixed(4)}, ${imagesPerSecond.toFixed(0)} images/s`,
      });
      if (done % epochSteps === 0 || done === settings.steps) {
        const held = await validate(validationSet, pipeline, engine, rest.parameters);
        if (!held || !best || held.mapAtR > best.mapAtR) {
          best = held ? { step: done, mapAtR: held.mapAtR } : null;
          for (const [name, { data }] of rest.parameters) bestValues.get(name)?.set(data);
        }
        const entry = {
          epoch: Math.ceil(done / epochSteps),
          step: done,
          ...summarizeEpoch(batches),
          validation: held,
          imagesPerSecond,
        };
        history.push(entry);
        batches = [];
        await save(done);
        options.onEpoch(entry);
      }
    }
  } finally {
    await Promise.allSettled(queue.values());
    await pipeline.close();
    await engine.dispose();
    layout.dispose();
  }
  const learned = new Map(
    [...rest.parameters].map(([name, { shape }]) => [
      name,
      { shape, data: bestValues.get(name) ?? new Float32Array(0) },
    ]),
  );
  return {
    network: joinNetworks(parts.stem, { ...rest, parameters: learned }),
    trainClasses: sampler.classes,
    trainImages: sampler.images,
    validationImages: held.length,
    best,
    history,
    trainFrom,
    imagesPerSecond: ((settings.steps - firstStep) * sampler.batchSize * 1000) / (performance.now() - started),
  };
}
