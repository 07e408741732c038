import { InferenceSession, Tensor } from 'onnxruntime-node';
import { concatenate } from '../../../core/vectors.js';
import type { Network } from '../../../model/graph.js';
import { buildBackward } from './backward-graph.js';
import { buildForward } from './forward-graph.js';
import { gradientName, parameterName, sumName, valueName } from './names.js';
import { createPlan, type Plan } from './plan.js';

type Feeds = Record<string, Tensor>;

/** One core's part of a step: forward over some pictures, then backward over the same ones. */
export interface Lane {
  /** Written by the owner before a step; read by every run. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** What the last `backward` added up for each parameter, in the order of `parameters`. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** Milliseconds inside ONNX Runtime since the lane was made. */
  readonly kernelMs: number;
  /** Raw embeddings, count · D values; keeps what `backward` needs. */
  forward(activations: Float32Array, count: number): Promise<Float32Array>;
  /** @param gradient ∂L/∂embedding of the pictures of the last `forward`, count · D values */
  backward(gradient: Float32Array): Promise<void>;
  /** Raw embeddings, count · D values; keeps nothing. */
  embed(activations: Float32Array, count: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/**
 * Pictures that go through the graphs at a time. Few enough that the values between two operations stay in a core's
 * cache, enough for a matrix product to be worth it (docs/performance.md).
 */
function pieceSizeFor(plan: Plan): number {
  const sizes = [...plan.shapes.values()].map((shape) => shape.reduce((product, side) => product * side, 4));
  return Math.max(8, Math.min(16, Math.floor(2_400_000 / Math.max(...sizes))));
}

function zeros(dims: readonly number[]): Tensor {
  return new Tensor('float32', new Float32Array(dims.reduce((product, side) => product * side, 1)), dims);
}

const floats = (tensor: Tensor | undefined): Float32Array =>
  tensor?.data instanceof Float32Array ? tensor.data : new Float32Array(0);

const valuesOf = (tensors: ReadonlyMap<string, Tensor>): Map<string, Float32Array> =>
  new Map([...tensors].map(([name, tensor]) => [name, floats(tensor)]));

/**
 * Two ONNX Runtime sessions on one thread. What the graphs give is written to memory that is kept from step to step.
 * @param block channels in a block of the NCHWc layout (`blockSize`), or 0
 */
export async function createLane(network: Network, block: number): Promise<Lane> {
  const options: InferenceSession.SessionOptions = {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    enableMemPattern: false, // patterns kept a fifth more memory and saved no time
  };
  const plan = createPlan(network, block);
  const pieceSize = pieceSizeFor(plan);
  const output = valueName(network.output);
  const handedOver = [...new Set([...plan.kept.filter((name) => name !== 'input'), network.output])];
  const forward = await InferenceSession.create(buildForward(plan, handedOver), options);
  const backwards = new Map<number, InferenceSession>();
  const pictureSize = network.inputShape.reduce((product, side) => product * side, 1);
  const dimension = plan.shape(network.output)[0] ?? 0;
  const memory = new Map<string, Feeds>();
  const inputs = new Map<string, Tensor>();
  const perParameter = (): Map<string, Tensor> =>
    new Map([...network.parameters].map(([name, { shape }]) => [name, zeros(shape)]));
  const parameters = perParameter();
  const perGradient = (): Map<string, Tensor> =>
    new Map([...network.parameters.keys()].map((name) => [name, zeros(plan.parameterShape(name))]));
  const nothing = perGradient();
  let [sums, spare] = [perGradient(), perGradient()];
  let kernelMs = 0;
  let pieces: { readonly count: number; readonly input: Tensor }[] = [];

  const weights: Feeds = Object.fromEntries(
    [...parameters].map(([name, tensor]) => [parameterName(name), tensor] as const),
  );
  /** What the forward pass of a piece hands over. */
  const memoryFor = (piece: number, count: number): Feeds => {
    const key = `${piece}/${count}`;
    const known = memory.get(key);
    if (known) return known;
    const made = Object.fromEntries(handedOver.map((name) => [valueName(name), zeros(plan.dimensions(name, count))]));
    memory.set(key, made);
    return made;
  };
  const backwardFor = async (count: number): Promise<InferenceSession> => {
    const known = backwards.get(count);
    if (known) return known;
    const created = await InferenceSession.create(buildBackward(plan, count), options);
    backwards.set(count, created);
    return created;
  };
  const run = async (session: InferenceSession, feeds: Feeds, results: Feeds): Promise<void> => {
    // A session complains about feeds that its graph does not have (a kernel whose gradient needs no value of it).
    const taken = session.inputNames.flatMap((name) => (feeds[name] ? [[name, feeds[name]] as const] : []));
    const started = performance.now();
    await session.run(Object.fromEntries(taken), results);
    kernelMs += performance.now() - started;
  };
  /** Pictures from `from` on as a feed in memory of the lane's own: ONNX Runtime takes no shared memory. */
  const feed = (key: string, activations: Float32Array, from: number, count: number): Tensor => {
    const known = inputs.get(`${key}/${count}`) ?? zeros(plan.dimensions('input', count));
    inputs.set(`${key}/${count}`, known);
    floats(known).set(activations.subarray(from * pictureSize, (from + count) * pictureSize));
    return known;
  };
  const cut = (count: number): { from: number; size: number }[] =>
    Array.from({ length: Math.ceil(count / pieceSize) }, (_, i) => {
      return { from: i * pieceSize, size: Math.min(pieceSize, count - i * pieceSize) };
    });

  return {
    parameters: valuesOf(parameters),
    get gradients() {
      return valuesOf(sums);
    },
    get kernelMs() {
      return kernelMs;
    },
    async forward(activations, count) {
      pieces = cut(count).map(({ from, size }, i) => {
        return { count: size, input: feed(`${i}`, activations, from, size) };
      });
      for (const [i, { count: size, input }] of pieces.entries())
        await run(forward, { ...weights, [valueName('input')]: input }, memoryFor(i, size));
      return concatenate(pieces.map(({ count: size }, i) => floats(memoryFor(i, size)[output])));
    },
    async backward(gradient) {
      let row = 0;
      for (const [i, { count, input }] of pieces.entries()) {
        const share = gradient.slice(row * dimension, (row += count) * dimension);
        const feeds: Feeds = {
          ...weights,
          ...memoryFor(i, count),
          [valueName('input')]: input,
          [gradientName(network.output)]: new Tensor('float32', share, [count, dimension]),
        };
        const results: Feeds = {};
        for (const [name, tensor] of i === 0 ? nothing : sums) feeds[sumName(name)] = tensor;
        for (const [name, tensor] of spare) results[gradientName(name)] = tensor;
        await run(await backwardFor(count), feeds, results);
        [sums, spare] = [spare, sums];
      }
      pieces = [];
    },
    async embed(activations, count) {
      const found: Float32Array[] = [];
      for (const { from, size } of cut(count)) {
        const input = feed('embed', activations, from, size);
        const target = zeros([size, dimension]);
        await run(forward, { ...weights, [valueName('input')]: input }, { [output]: target });
        found.push(floats(target));
      }
      return concatenate(found);
    },
    async dispose() {
      await Promise.all([forward, ...backwards.values()].map((session) => session.release()));
    },
  };
}
