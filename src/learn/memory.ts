import { freemem, platform, totalmem } from 'node:os';
import { KindredError } from '../core/errors.js';
import type { Network, Shape } from '../model/graph.js';
import { inferShapes } from '../model/shapes.js';

export interface BatchMemory {
  /** What learns. */
  readonly network: Network;
  readonly backend: string;
  readonly classesPerBatch: number;
  readonly imagesPerClass: number;
  readonly accumulate: number;
  readonly threads: number;
}

const mebibyte = 2 ** 20;
const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
const bytesOf = (shape: Shape): number => shape.reduce((product, side) => product * side, 4);

/** Node, the runtimes' libraries, the stem's sessions and decoders, seen with the smallest batches: per run and per thread. */
const base = 260 * mebibyte;
const perThread = 90 * mebibyte;

/**
 * Memory in bytes that a run takes at its peak, from the sizes of what learns; a prediction that was within a third of
 * the measured peak on MobileNetV1 and V2 (docs/performance.md), and is meant for "fits" or "does not fit".
 */
export function predictMemory(options: BatchMemory): number {
  const { network, backend, accumulate, threads } = options;
  const batch = options.classesPerBatch * options.imagesPerClass;
  const piece = Math.ceil(batch / accumulate);
  const parameters = [...network.parameters.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const values = [...inferShapes(network).values()].reduce((sum, shape) => sum + bytesOf(shape), 0);
  // Batches that wait, the one in use, and the copies that the engine's threads get.
  const activations = bytesOf(network.inputShape) * (batch + 3 * piece);
  const pairs = batch * batch * 4 * 12; // the loss's matrices
  if (backend === 'onnx') {
    // Values of a piece once, what is at work on a few pictures several times over.
    const working = values * 8 * 4 * threads;
    return base + perThread * threads + parameters * (6 + 5 * threads) + activations + values * piece + working + pairs;
  }
  return base + perThread * threads + parameters * 12 + activations + values * piece * 2.5 + pairs;
}

/**
 * Memory in bytes that this process may still take: what the machine has to give, or what its container leaves. macOS
 * counts as free only what it has never used, so there most of the machine is taken to be available.
 */
export function availableMemory(): number {
  const limit = process.constrainedMemory();
  const left = limit > 0 ? limit - process.memoryUsage().rss : Infinity;
  return Math.min(platform() === 'darwin' ? 0.8 * totalmem() : freemem(), left);
}

/** The largest value of 1 … most for which `fits`; 0 when none does. `fits` holds up to some value and then no more. */
function largest(most: number, fits: (value: number) => boolean): number {
  let [low, high] = [0, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * Refuses a batch before anything is loaded that the machine has no memory for.
 * @throws KindredError batch-too-large naming the largest that fits, and in how many pieces this one would
 */
export function checkMemory(options: BatchMemory, available: number): void {
  const needed = predictMemory(options);
  if (needed <= available) return;
  const { classesPerBatch, imagesPerClass, accumulate } = options;
  const batch = classesPerBatch * imagesPerClass;
  const fits = (change: Partial<BatchMemory>): boolean => predictMemory({ ...options, ...change }) <= available;
  const classes = largest(classesPerBatch, (value) => fits({ classesPerBatch: value }));
  // The more pieces, the less memory: look for the fewest.
  const most = batch - accumulate;
  const spared = largest(most, (value) => fits({ accumulate: batch - value }));
  const advice = [
    ...(spared > 0 ? [`--accumulate ${batch - spared} computes the same batch in less memory`] : []),
    ...(classes >= 2 ? [`--classes-per-batch ${classes} is the largest that fits`] : []),
  ];
  throw new KindredError(
    'batch-too-large',
    `a batch of ${batch} pictures needs about ${gibibytes(needed)}, and ${gibibytes(available)} are free`,
    {
      hint:
        advice.length > 0
          ? `${advice.join('; ')}.`
          : 'Use a smaller --input-size or a later --train-from, or free some memory.',
      field: '--classes-per-batch',
    },
  );
}
