import type { Embedder, EmbedOutcome, EmbedRequest } from '../core/embedder.js';
import { fromPlainError, KindredError } from '../core/errors.js';
import { workerUrl } from '../core/worker-url.js';
import type { EmbeddingJob, EmbeddingResult, EmbeddingSetup } from './embedding-protocol.js';
import { createWorkerPool } from './pool.js';

export interface EmbedderOptions extends EmbeddingSetup {
  readonly fingerprint: string;
  /** Worker threads, each with a session; default: the cores this process may use. */
  readonly threads?: number;
}

export interface OnnxEmbedder extends Embedder {
  readonly inputSize: number;
  readonly threads: number;
  /**
   * Embeds decoded pixels: `count` pictures of inputSize × inputSize × 3 bytes, sRGB.
   * @returns count × dimension values
   */
  embedRaw(pixels: Uint8Array, count: number): Promise<Float32Array>;
}

/**
 * Images per session.run at most, of one thread (docs/performance.md): 4 at 96 px, 1 from 160 px on, where the activations
 * of several images no longer fit in a core's cache. More threads are more workers, never more threads a session.
 */
const chunkFor = (inputSize: number): number => Math.min(8, Math.max(1, Math.floor(40_000 / (inputSize * inputSize))));
/**
 * One job computes, the images of the next are decoded, and a third is on its way: a worker that computes hears of no new
 * one until it is done. Measured against two: 1.5 times as fast at 224 px with one thread, within 5 % elsewhere or better.
 */
const jobsPerWorker = 3;
/** Pixels and tensors lie outside of V8. Measured over 100,000 images: memory stays flat, and 70 MiB lower. */
const youngGenerationMiB = 4;

interface Waiting {
  readonly request: EmbedRequest;
  readonly resolve: (outcome: EmbedOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Copies bytes that are a small view of a large buffer, because the whole buffer would cross to the worker. */
function compact(request: EmbedRequest): EmbedRequest {
  const { image } = request;
  if (!('bytes' in image) || image.bytes.byteLength === image.bytes.buffer.byteLength) return request;
  return { ...request, image: { ...image, bytes: Uint8Array.from(image.bytes) } };
}

const tooLate = (): KindredError =>
  new KindredError('interrupted', 'the embedder was closed before this image was embedded');

/**
 * Opens an encoder in worker threads. Images wait in one queue and go out in pieces: singly when few are waiting, so
 * that a lone query is answered fast and several clients keep every worker busy; in batches when many are.
 * @throws KindredError addon-missing, bundle-invalid, worker-died
 */
export async function createEmbedder(options: EmbedderOptions): Promise<OnnxEmbedder> {
  const { onnx, inputSize, resize, dimension, fingerprint, threads } = options;
  const pool = await createWorkerPool<EmbeddingSetup, EmbeddingJob, EmbeddingResult>({
    script: workerUrl('./embedding-worker.js', import.meta.url),
    workerData: { onnx, inputSize, resize, dimension },
    threads,
    jobsPerWorker,
    youngGenerationMiB,
  });
  const largestChunk = chunkFor(inputSize);
  const queue: Waiting[] = [];
  let closed = false;

  const settle = (chunk: readonly Waiting[], { images, embeddings }: EmbeddingResult): void => {
    let offset = 0;
    chunk.forEach(({ resolve, reject }, index) => {
      const image = images[index];
      if (!image) reject(new KindredError('internal', 'a worker answered for fewer images than it was given'));
      else if (!image.ok) resolve({ ok: false, error: fromPlainError(image.error) });
      else {
        resolve({ ...image, embedding: embeddings.slice(offset, offset + dimension) });
        offset += dimension;
      }
    });
  };

  const runChunk = async (chunk: readonly Waiting[]): Promise<void> => {
    try {
      settle(chunk, await pool.run({ kind: 'images', requests: chunk.map(({ request }) => compact(request)) }));
    } catch (error) {
      const died = error instanceof KindredError && error.code === 'worker-died';
      const [only] = chunk;
      if (died && chunk.length > 1) await Promise.all(chunk.map((one) => runChunk([one])));
      else if (died && only) only.resolve({ ok: false, error });
      else for (const { reject } of chunk) reject(error);
    }
  };

  const dispatch = (): void => {
    while (queue.length > 0 && pool.free > 0) {
      // Shrinks towards the end of the queue, so that all workers finish at about the same time.
      const size = Math.min(largestChunk, Math.ceil(queue.length / (pool.threads * jobsPerWorker)));
      void runChunk(queue.splice(0, size)).finally(dispatch);
    }
  };

  const embedRaw = async (pixels: Uint8Array, count: number): Promise<Float32Array> => {
    const bytes = inputSize * inputSize * 3;
    if (pixels.length !== count * bytes) {
      throw new RangeError(`${count} pictures of ${inputSize} px take ${count * bytes} bytes, not ${pixels.length}`);
    }
    const starts = Array.from({ length: Math.ceil(count / largestChunk) }, (_, index) => index * largestChunk);
    const parts = await Promise.all(
      starts.map((start) => {
        const part = pixels.slice(start * bytes, (start + largestChunk) * bytes);
        return pool.run({ kind: 'pixels', pixels: part, count: part.length / bytes });
      }),
    );
    const result = new Float32Array(count * dimension);
    parts.forEach(({ embeddings }, index) => result.set(embeddings, (starts[index] ?? 0) * dimension));
    return result;
  };

  return {
    dimension,
    fingerprint,
    inputSize,
    threads: pool.threads,
    preferredBatch: pool.threads * 32,
    embed(requests) {
      if (closed) return Promise.reject(tooLate());
      const outcomes = requests.map(
        (request) => new Promise<EmbedOutcome>((resolve, reject) => queue.push({ request, resolve, reject })),
      );
      dispatch();
      return Promise.all(outcomes);
    },
    embedRaw,
    close() {
      closed = true;
      for (const { reject } of queue.splice(0)) reject(tooLate());
      return pool.close();
    },
  };
}
