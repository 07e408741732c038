import { join } from 'node:path';
import { KindredError } from '../core/errors.js';
import type { ReportProgress } from '../core/progress.js';
import type { Dataset, DatasetItem } from '../data/dataset.js';
import { samplers } from '../data/samplers/registry.js';
import type { Network } from '../model/graph.js';
import { join as joinNetworks } from '../model/surgery.js';
import { collapseAdvice, overTightening } from './alarms.js';
import type { Backbone } from './backbones/backbone.js';
import { writeCheckpoint, type Checkpoint } from './checkpoint.js';
import type { EngineFactory } from './engines/engine.js';
import { withHead } from './head.js';
import type { Objective } from './objective.js';
import { createReference, type ReferenceFeatures } from './reference.js';
import type { TrainSettings } from './settings.js';
import type { StemSpace } from './stem/stem-cache.js';
import type { OpenStem } from './stem/stem-pipeline.js';
import { ahead, createStepper } from './stepper.js';
import { summarizeEpoch, type BatchStatistics } from './telemetry.js';
import { chooseGapSample, measureGap } from './train-gap.js';
import { copyOf, restore, runKey, toArrays, withValues } from './training-state.js';
import { embedPictures, validate } from './validation.js';

export type HistoryEntry = Readonly<Record<string, unknown>>;

export interface TrainOptions {
  readonly dataset: Dataset;
  readonly backbone: Backbone;
  readonly objective: Objective;
  readonly engine: EngineFactory;
  readonly settings: TrainSettings;
  /** Where the checkpoint goes at the end of each epoch and on abort; null: nowhere, as in a study of short runs. */
  readonly checkpointPath: string | null;
  readonly resumeFrom: Checkpoint | null;
  readonly progress: ReportProgress;
  /** Where decoded pictures and activations may be kept; default: `defaultSpace`. */
  readonly space?: StemSpace | undefined;
  readonly warn: (text: string) => void;
  readonly signal: AbortSignal;
  /** Told after each epoch. */
  readonly onEpoch: (entry: HistoryEntry) => void;
  /** Stems that several runs share; then all items of the data set go to it, whatever their split. */
  readonly openStem?: OpenStem | undefined;
  /** Frozen features of the train split, for several runs; absent: made at the start when the objective needs them. */
  readonly reference?: ReferenceFeatures | undefined;
  /** Sees the network at the end of each epoch, after validation; training waits for it. */
  readonly observe?: ((moment: TrainingMoment) => Promise<void>) | undefined;
}

/** The network as it is at the end of an epoch. */
export interface TrainingMoment {
  /** Steps taken. */
  readonly step: number;
  readonly last: boolean;
  /** The epoch that would be kept if training ended here. */
  readonly best: { readonly step: number; readonly mapAtR: number } | null;
  /**
   * Unit-length embeddings of items of the data set, centre-cropped, one row each: by the network as it is, or by the one of
   * the best epoch. Items must be of the train or validation split unless the run has `openStem`.
   */
  embed(items: readonly DatasetItem[], which: 'now' | 'best'): Promise<Float32Array>;
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

/**
 * Trains: batches are decoded, augmented and run through the frozen stem in worker threads while the engine computes the
 * gradients of the batch before; validation, checkpoint and a history line at the end of each epoch.
 * @throws KindredError dataset-too-small, training-collapsed, interrupted and worker-died (a checkpoint is left), and the engine's
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { dataset, backbone, objective, settings, progress, signal, resumeFrom } = options;
  const learnedFrom = dataset.items.filter(({ split }) => split === 'train' || split === 'validation');
  const items = options.openStem ? dataset.items : learnedFrom;
  const trainItems = items.filter(({ split }) => split === 'train');
  const sampler = samplers.get(settings.sampler ?? 'class')({
    ...settings,
    field: settings.samplerField,
    items: trainItems,
  });
  const positions = new Map(items.map((item, i) => [item, i]));
  const trainPositions = trainItems.map((item) => positions.get(item) ?? 0);
  const held = items.filter(({ split }) => split === 'validation');
  const heldLabels = [...new Set(held.map(({ label }) => label))];
  const validationSet = {
    indices: held.map((item) => positions.get(item) ?? 0),
    labels: Int32Array.from(held, ({ label }) => heldLabels.indexOf(label)),
  };
  const trainFrom = settings.trainFrom ?? backbone.trainFrom ?? 'all';
  const pictures = items.map(({ id, path }) => ({ id, path: join(dataset.root, path) }));
  const trained = pictures.filter((_, i) => items[i]?.split === 'train');
  const reference = objective.needsReference
    ? (options.reference ?? (await createReference({ ...settings, backbone, progress, signal, pictures: trained })))
    : undefined;
  const stepper = await createStepper({
    reference,
    network: withHead(backbone.network(settings.inputSize), settings.dim, settings.seed),
    scale: backbone.scale,
    trainFrom,
    engine: options.engine,
    backend: settings.backend,
    objective,
    settings,
    views: settings.views,
    openStem: options.openStem,
    space: options.space,
    warn: options.warn,
    collapseAdvice: collapseAdvice(settings),
    pictures,
    batchAt: (step) => {
      const { indices, classes } = sampler.next(step);
      return { indices: indices.map((index) => trainPositions[index] ?? 0), classes };
    },
    classes: sampler.classes.length,
  });
  const { rest, learned, adam } = stepper;
  const remembered = { memory: stepper.crossBatch, sampler: sampler.feedback, objective: objective.remembered };
  const bestValues = copyOf(learned);
  const history: HistoryEntry[] = [...(resumeFrom?.history ?? [])];
  let best = resumeFrom?.best ?? null;
  if (resumeFrom) restore(resumeFrom, learned, adam, bestValues, remembered);
  const firstStep = resumeFrom?.step ?? 0;
  const save = async (step: number): Promise<void> => {
    if (options.checkpointPath === null) return;
    await writeCheckpoint(options.checkpointPath, {
      step,
      settings: runKey(settings, dataset),
      best,
      history,
      arrays: toArrays(learned, adam, bestValues, remembered),
    });
  };

  const started = performance.now();
  const rateAt = (done: number): number =>
    ((done - firstStep) * sampler.batchSize * 1000) / (performance.now() - started);
  try {
    const epochSteps = settings.validateEvery ?? Math.max(1, Math.ceil(sampler.images / sampler.batchSize));
    const gapSample = chooseGapSample(
      trainItems.map(({ label }) => label),
      held.map(({ label }) => label),
      { seed: settings.seed, epochImages: epochSteps * sampler.batchSize },
    );
    let warned = history.some((entry) => 'warning' in entry);
    let batches: BatchStatistics[] = [];
    const endEpoch = async (done: number): Promise<void> => {
      const network = { ...stepper, parameters: rest.parameters };
      const embedded: Float32Array[] = [];
      const held = await validate(validationSet, network, (rows) => embedded.push(rows));
      if (settings.selectOn === 'last' || !held || !best || held.mapAtR > best.mapAtR) {
        best = held ? { step: done, mapAtR: held.mapAtR } : null;
        for (const [name, { data }] of learned) bestValues.get(name)?.set(data);
      }
      const beside = gapSample?.train.map((place) => trainPositions[place] ?? 0);
      const entry: Record<string, unknown> = {
        epoch: Math.ceil(done / epochSteps),
        step: done,
        ...summarizeEpoch(batches, sampler.classes.length),
        validation: held,
        ...(gapSample && beside && { gap: measureGap(gapSample, await embedPictures(beside, network), embedded[0]) }),
        imagesPerSecond: rateAt(done),
      };
      const warning = warned ? null : overTightening([...history, entry], settings);
      if (warning !== null) {
        warned = true;
        entry['warning'] = warning;
        options.warn(warning);
      }
      history.push(entry);
      batches = [];
      if (sampler.feedback && done < settings.steps) {
        const wanted = sampler.feedback.indices.map((index) => trainPositions[index] ?? 0);
        sampler.feedback.learn(await embedPictures(wanted, network), done + ahead);
      }
      await save(done);
      options.onEpoch(entry);
      await options.observe?.({
        step: done,
        last: done === settings.steps,
        best,
        embed: (wanted, which) =>
          embedPictures(
            wanted.map((item) => positions.get(item) ?? 0),
            { ...stepper, parameters: which === 'now' ? rest.parameters : withValues(rest.parameters, bestValues) },
          ),
      });
    };
    const unfinished = firstStep > 0 && (firstStep % epochSteps === 0 || firstStep === settings.steps);
    if (unfinished && history.at(-1)?.['step'] !== firstStep) await endEpoch(firstStep);
    for (let step = firstStep; step < settings.steps; step++) {
      if (signal.aborted) {
        await save(step);
        throw new KindredError('interrupted', `stopped after ${step} of ${settings.steps} steps`, {
          hint: 'Run the same command with --resume to go on.',
        });
      }
      const batch = await stepper.step(step).catch(async (error: unknown) => {
        // The step has changed nothing yet, so the run can go on from here.
        if (error instanceof KindredError && error.code === 'worker-died') await save(step);
        throw error;
      });
      batches.push(batch);
      const done = step + 1;
      progress({
        stage: 'training',
        done,
        total: settings.steps,
        unit: 'steps',
        note: `loss ${batch.loss.toFixed(4)}, ${rateAt(done).toFixed(0)} images/s`,
      });
      if (done % epochSteps === 0 || done === settings.steps) {
        await endEpoch(done).catch(async (error: unknown) => {
          // The steps are taken; a resumed run does the end of the epoch again.
          if (error instanceof KindredError && error.code === 'worker-died') await save(done);
          throw error;
        });
      }
    }
  } finally {
    await stepper.close();
  }
  return {
    network: joinNetworks(stepper.stem, { ...rest, parameters: withValues(rest.parameters, bestValues) }),
    trainClasses: sampler.classes,
    trainImages: sampler.images,
    validationImages: held.length,
    best,
    history,
    trainFrom,
    imagesPerSecond: rateAt(settings.steps),
  };
}
