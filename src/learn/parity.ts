import { KindredError } from '../core/errors.js';
import { dot, l2Normalize } from '../core/vectors.js';
import { decodeImage } from '../data/decode.js';
import type { Network, PixelScale } from '../model/graph.js';
import type { GradientEngine } from './engines/engine.js';

export interface ParityOptions {
  readonly network: Network;
  readonly scale: PixelScale;
  /** A TF.js engine over the whole network. */
  readonly engine: GradientEngine;
  /** The exported ONNX graph: uint8 pixels to unit embeddings. */
  readonly embedRaw: (pixels: Uint8Array, count: number) => Promise<Float32Array>;
  readonly paths: readonly string[];
  readonly onProgress: (done: number) => void;
}

export const leastCosine = 0.9999;
const chunk = 20;

/**
 * Embeds pictures by TF.js and by the exported ONNX graph and compares them one by one.
 * @returns the smallest cosine
 * @throws KindredError export-mismatch when one is below 0.9999
 */
export async function checkParity({
  network,
  scale,
  engine,
  embedRaw,
  paths,
  onProgress,
}: ParityOptions): Promise<number> {
  const size = network.inputShape[0] ?? 0;
  let worst = 1;
  for (let start = 0; start < paths.length; start += chunk) {
    const images = await Promise.all(paths.slice(start, start + chunk).map((path) => decodeImage({ path }, { size })));
    const pixels = new Uint8Array(images.length * size * size * 3);
    images.forEach((image, i) => pixels.set(image.data, i * size * size * 3));
    const scaled = Float32Array.from(pixels, (value) => value * scale.multiply + scale.add);
    const raw = await engine.embed(scaled, images.length, network.parameters);
    const exported = await embedRaw(pixels, images.length);
    const dimension = raw.length / images.length;
    for (let i = 0; i < images.length; i++) {
      const [from, to] = [i * dimension, (i + 1) * dimension];
      const cosine = dot(l2Normalize(raw.subarray(from, to)), exported.subarray(from, to));
      worst = Math.min(worst, cosine);
      if (!(cosine >= leastCosine)) {
        throw new KindredError(
          'export-mismatch',
          `TF.js and the exported ONNX graph disagree on ${paths[start + i] ?? ''} (cosine ${cosine.toFixed(6)})`,
          {
            hint: 'No model was written. Please report this with the backbone and its options.',
          },
        );
      }
    }
    onProgress(start + images.length);
  }
  return worst;
}
