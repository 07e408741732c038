import { cpus } from 'node:os';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { KindredError } from '../../core/errors.js';
import { createRandom } from '../../core/random.js';
import { version } from '../../core/version.js';
import { setDecoderThreads } from '../../data/decode.js';
import { augment } from '../../data/pixels.js';
import { runPoolWorker } from '../../model/pool-worker.js';
import { openActivationCache, type ActivationCache } from './activation-cache.js';
import { openPictureStore } from './picture-store.js';
import { createPictureReader } from './picture-reader.js';
import type { StemJob, StemResult, StemSetup } from './stem-protocol.js';

/** Session.run in pieces of this many pictures: their activations stay near the cache. */
const piece = 8;
const jitter = 0.2;

/** What decides the last bits of activations beside the stem, the picture and its view. */
const environment = (): string =>
  JSON.stringify([env.versions.node, sharp.versions.sharp, sharp.versions.vips, cpus()[0]?.model, version]);

const now = (): number => performance.timeOrigin + performance.now();

runPoolWorker(async (setup: StemSetup) => {
  setDecoderThreads(1);
  const { inputSize, cacheSize, paths } = setup;
  const options: InferenceSession.SessionOptions = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 };
  const session = await InferenceSession.create(setup.onnx, options);
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  const reader = createPictureReader({ paths, cacheSize, store: openPictureStore(setup.pictures, warn) });
  const cache = setup.activations && openActivationCache(setup.activations, environment(), warn);
  const inputBytes = inputSize * inputSize * 3;

  /** A training view cut from the kept pixels, or, without a seed, exactly what indexing and serving would see. */
  const view = async (index: number, seed: string | undefined): Promise<{ pixels: Uint8Array; hash: Uint8Array }> => {
    if (seed === undefined) return reader.decode(index, inputSize);
    const { pixels, hash } = await reader.picture(index);
    const image = { data: pixels, width: cacheSize, height: cacheSize };
    return { pixels: augment(image, { size: inputSize, random: createRandom(seed), jitter }), hash };
  };

  const runStem = async (views: readonly Uint8Array[]): Promise<Float32Array> => {
    const input = new Uint8Array(views.length * inputBytes);
    views.forEach((one, i) => input.set(one, i * inputBytes));
    const results = await session.run({
      pixels: new Tensor('uint8', input, [views.length, inputSize, inputSize, 3]),
    });
    const output = results['activations']?.data;
    if (!(output instanceof Float32Array)) throw new KindredError('internal', 'the stem gave no activations');
    return output;
  };

  const computeAll = async ({ indices, seeds, target }: StemJob): Promise<void> => {
    const views = await Promise.all(indices.map((index, i) => view(index, seeds?.[i])));
    let offset = 0;
    for (let start = 0; start < views.length; start += piece) {
      const part = await runStem(views.slice(start, start + piece).map(({ pixels }) => pixels));
      if (offset + part.length > target.length) throw new KindredError('internal', 'the stem gave too many values');
      target.set(part, offset);
      offset += part.length;
    }
  };

  /** One picture at a time: then its bits cannot depend on which others happened to be missing with it. */
  const computeMissing = async ({ indices, seeds, target }: StemJob, cached: ActivationCache): Promise<void> => {
    const { values } = cached;
    const one = async (index: number, i: number): Promise<void> => {
      const seed = seeds?.[i];
      const name = seed === undefined ? 'centre' : JSON.stringify([seed, cacheSize, jitter]);
      const place = target.subarray(i * values, (i + 1) * values);
      if (cached.get(cached.key(await reader.hash(index), name), place)) return;
      const { pixels, hash } = await view(index, seed);
      const activations = await runStem([pixels]);
      if (activations.length !== values)
        throw new KindredError('internal', `the stem gave ${activations.length} values`);
      cached.put(cached.key(hash, name), activations, place);
    };
    await Promise.all(indices.map(one));
  };

  return async (job: StemJob) => {
    const start = now();
    await (cache ? computeMissing(job, cache) : computeAll(job));
    const response: StemResult = { busy: [start, now()], warnings: warnings.splice(0) };
    return { response };
  };
});
