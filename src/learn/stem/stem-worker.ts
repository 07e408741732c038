import { InferenceSession, Tensor } from 'onnxruntime-node';
import { KindredError } from '../../core/errors.js';
import { createRandom } from '../../core/random.js';
import { concatenate } from '../../core/vectors.js';
import { decodeImage, setDecoderThreads } from '../../data/decode.js';
import { augment } from '../../data/pixels.js';
import { runPoolWorker } from '../../model/pool-worker.js';
import type { StemJob, StemResult, StemSetup } from './stem-protocol.js';

/** Session.run in pieces of this many pictures: their activations stay near the cache. */
const piece = 8;

runPoolWorker(async (setup: StemSetup) => {
  setDecoderThreads(1);
  const { inputSize, cacheSize, paths } = setup;
  const options: InferenceSession.SessionOptions = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 };
  const session = await InferenceSession.create(setup.onnx, options);
  const pixels = new Uint8Array(setup.pixels);
  const state = new Int32Array(setup.state);
  const cachedBytes = cacheSize * cacheSize * 3;
  const inputBytes = inputSize * inputSize * 3;

  const pathOf = (index: number): string => {
    const path = paths[index];
    if (path === undefined) throw new KindredError('internal', `there is no picture ${index}`);
    return path;
  };

  const picture = async (index: number): Promise<Uint8Array> => {
    const slot = pixels.subarray(index * cachedBytes, (index + 1) * cachedBytes);
    if (Atomics.load(state, index) !== 1) {
      // Two workers may decode the same picture at once; both write the same bytes.
      slot.set((await decodeImage({ path: pathOf(index) }, { size: cacheSize })).data);
      Atomics.store(state, index, 1);
    }
    return slot;
  };

  /** A training view cut from the kept pixels, or, without a seed, exactly what indexing and serving would see. */
  const view = async (index: number, seed: string | undefined): Promise<Uint8Array> => {
    if (seed === undefined) return (await decodeImage({ path: pathOf(index) }, { size: inputSize })).data;
    const image = { data: await picture(index), width: cacheSize, height: cacheSize };
    return augment(image, { size: inputSize, random: createRandom(seed), jitter: 0.2 });
  };

  return async ({ indices, seeds }: StemJob) => {
    const views = await Promise.all(indices.map((index, i) => view(index, seeds?.[i])));
    const parts: Float32Array[] = [];
    for (let start = 0; start < views.length; start += piece) {
      const chunk = views.slice(start, start + piece);
      const input = new Uint8Array(chunk.length * inputBytes);
      chunk.forEach((one, i) => input.set(one, i * inputBytes));
      const results = await session.run({
        pixels: new Tensor('uint8', input, [chunk.length, inputSize, inputSize, 3]),
      });
      const output = results['activations']?.data;
      if (!(output instanceof Float32Array)) throw new KindredError('internal', 'the stem gave no activations');
      parts.push(output);
    }
    const activations = concatenate(parts);
    const response: StemResult = { activations };
    return { response, transfer: [activations.buffer] };
  };
});
