import { setImmediate } from 'node:timers/promises';
import type { EmbedRequest } from '../core/embedder.js';
import { toPlainError } from '../core/errors.js';
import { sha256 } from '../core/hashing.js';
import { decodeImage, setDecoderThreads } from '../data/decode.js';
import { readImageBytes } from '../data/image-source.js';
import type { EmbeddingJob, EmbeddingResult, EmbeddingSetup, ImageAnswer } from './embedding-protocol.js';
import { openEncoderSession } from './encoder-session.js';
import { runPoolWorker, type Answer } from './pool-worker.js';

interface Decoded {
  readonly answer: ImageAnswer;
  /** size × size × 3 bytes; null for an image that failed. */
  readonly pixels: Uint8Array | null;
}

async function decode({ image, box, hash }: EmbedRequest, size: number, resize: number | undefined): Promise<Decoded> {
  try {
    const bytes = await readImageBytes(image);
    // Read once: what is decoded is what is hashed. The path stays beside the bytes for error messages.
    const decoded = await decodeImage({ ...image, bytes }, { size, resize, ...(box && { box }) });
    const { sourceWidth: width, sourceHeight: height } = decoded;
    return { answer: { ok: true, width, height, contentHash: hash ? sha256(bytes) : null }, pixels: decoded.data };
  } catch (error) {
    return { answer: { ok: false, error: toPlainError(error) }, pixels: null };
  }
}

runPoolWorker(async (setup: EmbeddingSetup) => {
  // As many images are decoded at a time as there are workers, so each gets one thread.
  setDecoderThreads(1);
  const session = await openEncoderSession(setup);
  const { inputSize, resize } = setup;
  const bytesPerImage = inputSize * inputSize * 3;
  const answer = (images: readonly ImageAnswer[], embeddings: Float32Array<ArrayBuffer>): Answer<EmbeddingResult> => ({
    response: { images, embeddings },
    transfer: [embeddings.buffer],
  });

  return async (job: EmbeddingJob) => {
    if (job.kind === 'pixels') return answer([], new Float32Array(await session.run(job.pixels, job.count)));
    // Decoding runs on libuv's threads, so while this worker computes, the next job's images are decoded.
    const decoded = await Promise.all(job.requests.map((request) => decode(request, inputSize, resize)));
    // Computing blocks this thread: what has come meanwhile is heard first, so that it is decoded while this is computed.
    await setImmediate();
    const good = decoded.flatMap(({ pixels }) => (pixels ? [pixels] : []));
    const images = decoded.map((one) => one.answer);
    if (good.length === 0) return answer(images, new Float32Array(0));
    const batch = new Uint8Array(good.length * bytesPerImage);
    good.forEach((pixels, index) => batch.set(pixels, index * bytesPerImage));
    return answer(images, new Float32Array(await session.run(batch, good.length)));
  };
});
