import { concatenate } from '../../core/vectors.js';
import { workerUrl } from '../../core/worker-url.js';
import { createWorkerPool } from '../../model/pool.js';
import type { StemJob, StemResult, StemSetup } from './stem-protocol.js';

export interface StemPipelineOptions {
  /** The stem as ONNX (`exportStem`). */
  readonly onnx: Uint8Array;
  readonly inputSize: number;
  /** Absolute paths of all pictures that will be asked for. */
  readonly paths: readonly string[];
  readonly threads: number;
}

/** Decodes, augments and runs the part of the network that does not learn, in worker threads. */
export interface StemPipeline {
  /** Activations of the pictures at these positions in `paths`, in order. `seeds`: null for the plain centre crop. */
  run(indices: readonly number[], seeds: readonly string[] | null): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Pictures a worker takes at a time. */
const jobSize = 16;

export async function createStemPipeline(options: StemPipelineOptions): Promise<StemPipeline> {
  const { paths, inputSize, threads } = options;
  const cacheSize = Math.round((inputSize * 7) / 6);
  const setup: StemSetup = {
    onnx: options.onnx,
    inputSize,
    paths,
    cacheSize,
    pixels: new SharedArrayBuffer(paths.length * cacheSize * cacheSize * 3),
    state: new SharedArrayBuffer(paths.length * Int32Array.BYTES_PER_ELEMENT),
  };
  const script = workerUrl('./stem-worker.js', import.meta.url);
  const pool = await createWorkerPool<StemSetup, StemJob, StemResult>({
    script,
    workerData: setup,
    threads,
    jobsPerWorker: 2,
  });
  return {
    async run(indices, seeds) {
      const starts = Array.from({ length: Math.ceil(indices.length / jobSize) }, (_, i) => i * jobSize);
      const parts = await Promise.all(
        starts.map((start) =>
          pool.run({
            indices: indices.slice(start, start + jobSize),
            seeds: seeds?.slice(start, start + jobSize) ?? null,
          }),
        ),
      );
      return concatenate(parts.map(({ activations }) => activations));
    },
    close: () => pool.close(),
  };
}
