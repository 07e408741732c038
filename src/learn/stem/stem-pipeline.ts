import { KindredError } from '../../core/errors.js';
import { workerUrl } from '../../core/worker-url.js';
import { createWorkerPool } from '../../model/pool.js';
import { createPictureStore } from './picture-store.js';
import { defaultSpace, openStemCache, type CachedStem, type StemSpace } from './stem-cache.js';
import type { StemJob, StemResult, StemSetup } from './stem-protocol.js';

export interface StemPipelineOptions {
  /** The stem as ONNX (`exportStem`). */
  readonly onnx: Uint8Array;
  readonly inputSize: number;
  /** How many values the stem gives for a picture. */
  readonly values: number;
  /** Absolute paths of all pictures that will be asked for. */
  readonly paths: readonly string[];
  readonly threads: number;
  /** Default: `defaultSpace`. */
  readonly space?: StemSpace | undefined;
  /** Keep activations, which then go through half precision; absent: compute them anew each time. */
  readonly cached?: Pick<CachedStem, 'views'> | undefined;
  /** Told, once each, what makes the run slower but not wrong. */
  readonly warn?: ((text: string) => void) | undefined;
  /** Told for each job of 16 pictures when a worker took it up and was done, ms since 1970; a worker has two jobs at a time. */
  readonly onBusy?: ((startMs: number, endMs: number) => void) | undefined;
}

/** Decodes, augments and runs the part of the network that does not learn, in worker threads. */
export interface StemPipeline {
  /**
   * Activations of the pictures at these positions in `paths`, in order, in shared memory. `seeds`: null for the plain centre crop. Nothing here
   * limits how many calls are under way: the caller asks for a batch or two ahead.
   * @throws KindredError image-…, naming the path; worker-died when a job lost its worker twice
   */
  run(indices: readonly number[], seeds: readonly string[] | null): Promise<Float32Array>;
  /** Takes back what `run` gave, for a later one to write to: megabytes a step that need not be collected. */
  release(activations: Float32Array): void;
  close(): Promise<void>;
}

/** Opens a pipeline, or hands out one that is open already: then its `close` is the lender's to make harmless. */
export type OpenStem = (options: StemPipelineOptions) => Promise<StemPipeline>;

/** Pictures a worker takes at a time. */
const jobSize = 16;
/** Pixels and activations lie outside of V8, whose young generation would grow for hundreds of steps. */
const youngGenerationMiB = 4;
/** Results given back that are kept to be written to again. */
const spare = 4;

function withHint(error: unknown): unknown {
  if (!(error instanceof KindredError) || error.code !== 'worker-died') return error;
  return new KindredError('worker-died', `${error.message}, and so did the one in its place`, {
    hint: 'Run the same command with --resume to go on from the checkpoint; if memory ran out, with fewer --threads.',
    cause: error,
  });
}

export async function createStemPipeline(options: StemPipelineOptions): Promise<StemPipeline> {
  const { onnx, paths, inputSize, values, threads, cached, space = defaultSpace(), warn = () => undefined } = options;
  const cacheSize = Math.round((inputSize * 7) / 6);
  const pictures = createPictureStore({
    memoryBytes: space.pictureBytes,
    folder: space.folder,
    count: paths.length,
    pixelBytes: cacheSize * cacheSize * 3,
    warn,
  });
  const activations =
    cached && openStemCache(space, { ...cached, values, onnx, inputSize, pictures: paths.length, warn });
  let released = false;
  const release = (): void => {
    if (released) return; // a second close could hit a file that got the same descriptor
    released = true;
    pictures.close();
    activations?.close();
  };
  const setup: StemSetup = {
    onnx,
    inputSize,
    paths,
    cacheSize,
    pictures: pictures.setup,
    activations: activations?.setup ?? null,
  };
  const pool = await createWorkerPool<StemSetup, StemJob, StemResult>({
    script: workerUrl('./stem-worker.js', import.meta.url),
    workerData: setup,
    threads,
    jobsPerWorker: 2,
    youngGenerationMiB,
  }).catch((error: unknown) => {
    release();
    throw error;
  });

  const given = new Set<Float32Array>();
  const free: Float32Array<SharedArrayBuffer>[] = [];
  const take = (length: number): Float32Array<SharedArrayBuffer> => {
    const found = free.findIndex((memory) => memory.length === length);
    if (found >= 0) return free.splice(found, 1)[0] ?? take(length);
    return new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
  };

  return {
    async run(indices, seeds) {
      const result = take(indices.length * values);
      const starts = Array.from({ length: Math.ceil(indices.length / jobSize) }, (_, i) => i * jobSize);
      const one = async (start: number): Promise<void> => {
        const end = start + jobSize;
        const done = await pool.run({
          indices: indices.slice(start, end),
          seeds: seeds?.slice(start, end) ?? null,
          target: result.subarray(start * values, Math.min(end, indices.length) * values),
        });
        done.warnings.forEach(warn);
        options.onBusy?.(...done.busy);
      };
      // On failure the other jobs may still write, so the memory is not used again.
      await Promise.all(starts.map(one)).catch((error: unknown) => {
        throw withHint(error);
      });
      given.add(result);
      return result;
    },
    release(activations) {
      if (!given.delete(activations) || !(activations.buffer instanceof SharedArrayBuffer)) return;
      if (free.length === spare) free.shift();
      free.push(new Float32Array(activations.buffer));
    },
    async close() {
      await pool.close();
      release();
    },
  };
}
