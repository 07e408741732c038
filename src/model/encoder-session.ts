import type * as Runtime from 'onnxruntime-node';
import { KindredError } from '../core/errors.js';
import type { EmbeddingSetup } from './embedding-protocol.js';

/** One ONNX Runtime session on one thread. `run` blocks the calling thread while it computes. */
export interface EncoderSession {
  /**
   * @param pixels `count` pictures of inputSize × inputSize × 3 bytes, sRGB
   * @returns count × dimension values; each embedding has unit length
   */
  run(pixels: Uint8Array, count: number): Promise<Float32Array>;
}

/** @throws KindredError addon-missing */
export async function loadRuntime(): Promise<typeof Runtime> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    throw new KindredError('addon-missing', 'ONNX Runtime (onnxruntime-node) cannot be loaded', {
      hint: 'Run npm ci again on this machine; kindred doctor says what else is missing.',
      cause: error,
    });
  }
}

function invalid(reason: string, cause?: unknown): KindredError {
  return new KindredError('bundle-invalid', `the model's ONNX graph cannot be used: ${reason}`, {
    hint: 'Export it again with kindred train, or use another model.',
    cause,
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Opens an encoder and tries it once on a black picture, which also warms it up.
 * @throws KindredError addon-missing; bundle-invalid when the graph cannot be loaded or gives something else than
 * `embedding` [N, dimension] for `pixels` [N, S, S, 3]
 */
export async function openEncoderSession({ onnx, inputSize, dimension }: EmbeddingSetup): Promise<EncoderSession> {
  const { InferenceSession: Session, Tensor } = await loadRuntime();
  const options: Runtime.InferenceSession.SessionOptions = {
    // One thread a session and a session a worker: measured faster than one session with all threads, whose threads
    // wait for each other after every layer.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    // Without VNNI instructions, products of uint8 and int8 overflow in pairs; this takes a slower, right way there, so
    // that a quantised model gives the same embeddings everywhere. It changes nothing else.
    extra: { session: { x64quantprecision: '1' } },
  };
  let session: Runtime.InferenceSession;
  try {
    session = typeof onnx === 'string' ? await Session.create(onnx, options) : await Session.create(onnx, options);
  } catch (error) {
    throw invalid(messageOf(error), error);
  }
  const run = async (pixels: Uint8Array, count: number): Promise<Float32Array> => {
    const results = await session.run({ pixels: new Tensor('uint8', pixels, [count, inputSize, inputSize, 3]) });
    const output = results['embedding'];
    if (!(output?.data instanceof Float32Array)) throw invalid('it has no float32 output named "embedding"');
    if (output.data.length !== count * dimension) {
      throw invalid(`its output is [${output.dims.join(', ')}], not [${count}, ${dimension}]`);
    }
    return output.data;
  };
  try {
    await run(new Uint8Array(inputSize * inputSize * 3), 1);
  } catch (error) {
    throw error instanceof KindredError ? error : invalid(messageOf(error), error);
  }
  return { run };
}
