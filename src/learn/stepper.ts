import { tensor2d } from '@tensorflow/tfjs-core';
import { createRandom } from '../core/random.js';
import type { Network, Parameters } from '../model/graph.js';
import { exportStem } from '../model/onnx/export.js';
import { splitBefore } from '../model/surgery.js';
import { adamStep, createAdamState, scheduleAt, type AdamState } from './adam.js';
import { batchGradients, type BatchPart } from './batch-gradients.js';
import { createCrossBatchMemory, type CrossBatchMemory } from './cross-batch.js';
import type { GradientEngine } from './engines/engine.js';
import { learnedBy } from './learned.js';
import { lossGradient } from './loss-gradient.js';
import { createBatchLayout } from './losses/batch-layout.js';
import { availableMemory, checkMemory } from './memory.js';
import { createPrefetch } from './prefetch.js';
import { createStemPipeline, type StemPipeline } from './stem/stem-pipeline.js';
import type { StepperOptions } from './stepper-options.js';
import { viewSeeds } from './stem/views.js';
import { batchDensity, checkCollapse, type BatchStatistics } from './telemetry.js';

export interface StepReport extends BatchStatistics {
  /** Milliseconds in which nothing could be computed because the pictures were not ready. */
  readonly waitMs: number;
  /** Milliseconds inside the engine's runtime. */
  readonly kernelMs: number;
  readonly totalMs: number;
}

/** Training, one step at a time. */
export interface Stepper {
  readonly stem: Network;
  /** What learns; its parameters change in place with every step. */
  readonly rest: Network;
  /** All that Adam changes: the parameters of `rest`, and those of the loss's own. */
  readonly learned: Parameters;
  readonly adam: AdamState;
  /** The cross-batch memory of the run; undefined without one. */
  readonly crossBatch: CrossBatchMemory | undefined;
  readonly engine: GradientEngine;
  readonly pipeline: StemPipeline;
  /**
   * Takes step number `step` (0, 1, 2 …): a function of the seed, the step and the parameters.
   * @throws KindredError training-collapsed, and the engine's and the workers'
   */
  step(step: number): Promise<StepReport>;
  /** Waits until no batch is in preparation any more. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Batches, or pieces of one, that may be in preparation while one trains: no later step's batch has been asked for. */
export const ahead = 2;

/** The part that learns gets copies of its parameters: they are changed in place. */
function writable(network: Network): Network {
  const parameters = new Map(
    [...network.parameters].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
  );
  return { ...network, parameters };
}

/**
 * Opens what a step needs: the engine for what learns, and worker threads that decode, augment and run the frozen stem
 * for the batches to come.
 * @throws KindredError batch-too-large, and the engine's and the workers'
 */
export async function createStepper(options: StepperOptions): Promise<Stepper> {
  const { settings, objective, network, views } = options;
  const firstLayer = network.nodes[0]?.layers[0] ?? '';
  const parts = splitBefore(network, options.trainFrom === 'all' ? firstLayer : options.trainFrom);
  const { backend = 'onnx' } = options;
  checkMemory({ ...settings, network: parts.rest, backend }, availableMemory());
  const rest = writable(parts.rest);
  const engine = await options.engine(rest, { threads: settings.threads });
  const layout = createBatchLayout(settings.classesPerBatch, settings.imagesPerClass);
  const { openStem = createStemPipeline } = options;
  const pipeline = await openStem({
    onnx: exportStem(parts.stem, options.scale, engine.layout),
    inputSize: settings.inputSize,
    paths: options.pictures.map(({ path }) => path),
    threads: settings.threads,
    space: options.space,
    values: rest.inputShape.reduce((size, side) => size * side, 1),
    cached: views === undefined ? undefined : { views },
    warn: options.warn,
    onBusy: options.onStemBusy,
  }).catch(async (error: unknown) => {
    layout.dispose();
    await engine.dispose();
    throw error;
  });
  const learned = learnedBy(rest, objective, { ...settings, classes: options.classes ?? 0 });
  const adam = createAdamState(learned.parameters);
  const { memory: capacity = 0, memoryWarmup: warmup = Math.ceil(settings.steps / 10) } = settings;
  const crossBatch = capacity > 0 ? createCrossBatchMemory({ capacity, warmup, dim: learned.dim }) : undefined;

  const pieceSize = Math.ceil(layout.size / settings.accumulate);
  const pieces = Math.ceil(layout.size / pieceSize);
  const prepare = async (piece: number): Promise<BatchPart> => {
    const step = Math.floor(piece / pieces);
    const start = (piece % pieces) * pieceSize;
    const indices = options.batchAt(step).indices.slice(start, start + pieceSize);
    const ids = indices.map((index) => options.pictures[index]?.id ?? '');
    const seeds = viewSeeds({ seed: settings.seed, step, first: start, ids, views });
    return { activations: await pipeline.run(indices, seeds), count: indices.length };
  };
  const prefetch = createPrefetch(prepare, settings.steps * pieces);

  return {
    stem: parts.stem,
    rest,
    learned: learned.parameters,
    adam,
    crossBatch,
    engine,
    pipeline,
    async step(step) {
      const started = performance.now();
      const batch: BatchPart[] = [];
      const [first, next] = [step * pieces, (step + 1) * pieces];
      for (let piece = first; piece < next; piece++) {
        prefetch.ask(piece, Math.min(piece + ahead, next - 1));
        batch.push(await prefetch.take(piece));
      }
      const waitMs = performance.now() - started;
      let loss = NaN;
      let penalty: number | null = null;
      let attraction: number | null = null;
      let ownGradients: ReadonlyMap<string, Float32Array> = new Map();
      const { classes: numbers, indices } = options.batchAt(step);
      const classes = Int32Array.from(numbers);
      const frozen = options.reference?.of(indices.map((index) => options.pictures[index]?.id ?? ''));
      const random = createRandom('loss', settings.seed, step);
      const { gradients, embeddings, kernelMs } = await batchGradients(engine, batch, rest.parameters, (raw) => {
        const found = lossGradient(
          (rows, own) => {
            const past = crossBatch?.recall(step);
            const reference = frozen && tensor2d(frozen, [layout.size, frozen.length / layout.size]);
            const parts = objective.compute(rows, layout, { step, classes, random, past, own, reference });
            penalty = parts.penalty?.dataSync()[0] ?? null;
            if (parts.attraction)
              attraction = [...parts.attraction.dataSync()].reduce((sum, w) => sum + w, 0) / layout.classesPerBatch;
            return parts.total;
          },
          raw,
          layout.size,
          learned.own,
        );
        loss = found.value;
        ownGradients = found.own;
        return found.gradient;
      });
      for (const { activations } of batch) pipeline.release(activations);
      // Not before: the workers then have the cores while this thread updates the parameters alone.
      prefetch.ask(next, next + ahead - 1);
      const ofClasses = numbers.filter((_, row) => row % layout.imagesPerClass === 0);
      const density = batchDensity(embeddings, layout);
      const statistics: BatchStatistics = { loss, penalty, attraction, ...density, classes: ofClasses };
      checkCollapse(statistics, step, options.collapseAdvice);
      const share = scheduleAt(step, settings.steps);
      adamStep(
        learned.parameters,
        new Map([...gradients, ...ownGradients]),
        adam,
        (name) => settings.learningRate * share * learned.multiple(name),
      );
      crossBatch?.add(embeddings, classes);
      return { ...statistics, waitMs, kernelMs, totalMs: performance.now() - started };
    },
    settled: () => prefetch.settle(),
    async close() {
      await prefetch.settle();
      await pipeline.close();
      await engine.dispose();
      layout.dispose();
    },
  };
}
