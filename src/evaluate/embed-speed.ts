import { goldenCount } from '../model/bundle/schema.js';
import { goldenImages } from '../model/bundle/golden.js';
import type { OnnxEmbedder } from '../model/embedder.js';
import { stopIfAborted } from './embed-items.js';

/** In threes, as the golden pictures come. */
const images = 22 * goldenCount;
const rounds = 5;

/**
 * How fast networks are without decoding: in turn on the same pixels, so that whatever else the machine does meets them
 * alike. The first round warms up.
 * @returns images a second of each, the median of the rounds
 * @throws KindredError interrupted
 */
export async function compareSpeed(embedders: readonly OnnxEmbedder[], signal: AbortSignal): Promise<number[]> {
  const rates = embedders.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, embedder] of embedders.entries()) {
      stopIfAborted(signal);
      const picture = goldenImages(embedder.inputSize);
      const bytes = picture.length / goldenCount;
      const pixels = new Uint8Array(images * bytes);
      for (let at = 0; at < pixels.length; at += picture.length) pixels.set(picture, at);
      const start = performance.now();
      await embedder.embedRaw(pixels, images);
      if (round > 0) rates[index]?.push(images / ((performance.now() - start) / 1000));
    }
  }
  return rates.map((measured) => measured.toSorted((a, b) => a - b)[rounds >> 1] ?? NaN);
}
