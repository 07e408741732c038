import { KindredError } from '../../../core/errors.js';
import { concatenate } from '../../../core/vectors.js';
import { workerUrl } from '../../../core/worker-url.js';
import type { Network, Parameters } from '../../../model/graph.js';
import { createWorkerPool, type WorkerPool } from '../../../model/pool.js';
import type { EngineFactory, GradientEngine, OutputGradient, StepResult } from '../engine.js';
import { blockSize } from './block.js';
import { createLane } from './lane.js';
import type { LaneJob, LaneResult, LaneSetup } from './lane-protocol.js';

const bytesOf = (network: Network): number =>
  [...network.parameters.values()].reduce((sum, { data }) => sum + data.byteLength, 0);

/** Values lie outside of V8, whose young generation would grow for hundreds of steps. */
const youngGenerationMiB = 4;

/** For the lanes, which read the shapes and get the values before each step: copying them along would only take memory. */
function withoutValues(network: Network): Network {
  const parameters = [...network.parameters].map(
    ([name, { shape }]) => [name, { shape, data: new Float32Array(0) }] as const,
  );
  return { ...network, parameters: new Map(parameters) };
}

/** Everything on the calling thread. */
async function createSingle(network: Network, block: number): Promise<GradientEngine> {
  const lane = await createLane(network, block);
  const load = (parameters: Parameters): void => {
    for (const [name, values] of lane.parameters) values.set(parameters.get(name)?.data ?? []);
  };
  return {
    name: 'onnx',
    layout: 'nchw',
    async gradients(activations, batch, parameters, outputGradient) {
      load(parameters);
      const before = lane.kernelMs;
      const embeddings = await lane.forward(activations, batch);
      await lane.backward(await outputGradient(embeddings));
      return { embeddings, gradients: lane.gradients, kernelMs: lane.kernelMs - before };
    },
    embed(activations, batch, parameters) {
      load(parameters);
      return lane.embed(activations, batch);
    },
    dispose: () => lane.dispose(),
  };
}

/** A part to hand to another thread: as it is where memory is shared, else copied, so that the whole does not go along. */
function partOf(values: Float32Array, from: number, length: number): Float32Array {
  const part = values.subarray(from, from + length);
  return values.buffer instanceof SharedArrayBuffer ? part : part.slice();
}

interface Share {
  readonly lane: number;
  readonly from: number;
  readonly count: number;
}

/** Cuts a batch into one run of pictures a lane, as even as can be. */
function shares(batch: number, lanes: number): Share[] {
  return Array.from({ length: lanes }, (_, lane) => {
    const [from, to] = [Math.floor((lane * batch) / lanes), Math.floor(((lane + 1) * batch) / lanes)];
    return { lane, from, count: to - from };
  }).filter(({ count }) => count > 0);
}

/**
 * Data-parallel: every core has sessions of its own and takes a share of the batch. The embeddings are gathered, the
 * loss's gradient is taken over all of them, and each lane carries its rows back; the sum is the whole batch's gradient.
 * A worker that dies costs one repetition of the step.
 */
async function createParallel(network: Network, block: number, threads: number): Promise<GradientEngine> {
  const bytes = bytesOf(network);
  const parameterRow = new SharedArrayBuffer(bytes);
  const total = new SharedArrayBuffer(bytes);
  const gradients = Array.from({ length: threads }, () => new SharedArrayBuffer(bytes));
  const bare = withoutValues(network);
  const lanes: WorkerPool<LaneJob, LaneResult>[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(lanes.map((lane) => lane.close()));
  };
  try {
    for (let lane = 0; lane < threads; lane++) {
      const workerData: LaneSetup = { network: bare, block, parameters: parameterRow, lane, gradients, total };
      const script = workerUrl('./lane-worker.js', import.meta.url);
      const options = { script, workerData, threads: 1, youngGenerationMiB };
      lanes.push(await createWorkerPool<LaneSetup, LaneJob, LaneResult>(options));
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  const pictureSize = network.inputShape.reduce((product, side) => product * side, 1);
  const sum = new Float32Array(total);
  const row = new Float32Array(parameterRow);

  const load = (parameters: Parameters): void => {
    let offset = 0;
    for (const name of network.parameters.keys()) {
      const data = parameters.get(name)?.data ?? new Float32Array(0);
      row.set(data, offset);
      offset += data.length;
    }
  };
  const each = async (parts: readonly Share[], job: (share: Share) => LaneJob): Promise<LaneResult[]> =>
    Promise.all(
      parts.map((share) => {
        const lane = lanes[share.lane];
        return lane ? lane.run(job(share)) : Promise.reject(new RangeError('no such lane'));
      }),
    );
  const through = (kind: 'forward' | 'embed', activations: Float32Array, parts: readonly Share[]) =>
    each(parts, ({ from, count }) => ({
      kind,
      count,
      activations: partOf(activations, from * pictureSize, count * pictureSize),
    }));
  const slowest = (results: readonly LaneResult[]): number => Math.max(...results.map(({ kernelMs }) => kernelMs));

  const attempt = async (
    activations: Float32Array,
    batch: number,
    outputGradient: OutputGradient,
  ): Promise<StepResult> => {
    const parts = shares(batch, threads);
    const forward = await through('forward', activations, parts);
    const embeddings = concatenate(forward.map((result) => result.embeddings));
    const dimension = embeddings.length / batch;
    const gradient = await outputGradient(embeddings);
    const backward = await each(parts, ({ from, count }) => ({
      kind: 'backward',
      gradient: partOf(gradient, from * dimension, count * dimension),
    }));
    // Each lane adds up a stretch of all rows.
    const taking = parts.map(({ lane }) => lane);
    const stretch = Math.ceil(sum.length / parts.length);
    await each(parts, ({ lane }) => {
      const from = taking.indexOf(lane) * stretch;
      return { kind: 'sum', lanes: taking, from, to: Math.min(sum.length, from + stretch) };
    });
    let offset = 0;
    const found = new Map(
      [...network.parameters].map(([name, { data }]) => [name, sum.subarray(offset, (offset += data.length))]),
    );
    return { embeddings, gradients: found, kernelMs: slowest(forward) + slowest(backward) };
  };

  return {
    name: 'onnx',
    layout: 'nchw',
    async gradients(activations, batch, parameters, outputGradient) {
      load(parameters);
      try {
        return await attempt(activations, batch, outputGradient);
      } catch (error) {
        if (!(error instanceof KindredError) || error.code !== 'worker-died') throw error;
        return attempt(activations, batch, outputGradient);
      }
    },
    async embed(activations, batch, parameters) {
      load(parameters);
      const results = await through('embed', activations, shares(batch, threads));
      return concatenate(results.map(({ embeddings }) => embeddings));
    },
    dispose,
  };
}

/**
 * Trains in ONNX Runtime: the learning part and its gradient are compiled to two ONNX graphs, of which the forward one
 * hands the backward one the values it needs. A result's gradients are valid until the next call.
 */
export const createOnnxEngine: EngineFactory = async (network, { threads }) => {
  const block = await blockSize();
  return threads === 1 ? createSingle(network, block) : createParallel(network, block, threads);
};
