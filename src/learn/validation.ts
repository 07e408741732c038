import { l2Normalize } from '../core/vectors.js';
import { retrievalMetrics } from '../metrics/retrieval.js';
import type { Parameters } from '../model/graph.js';
import type { GradientEngine } from './engines/engine.js';
import type { StemPipeline } from './stem/stem-pipeline.js';

export interface ValidationSet {
  /** Positions in the pipeline's paths. */
  readonly indices: readonly number[];
  readonly labels: Int32Array;
}

/** The network as it is while it learns. */
export interface LearningNetwork {
  readonly pipeline: StemPipeline;
  readonly engine: GradientEngine;
  readonly parameters: Parameters;
}

const chunk = 64;

/** Unit-length embeddings of the pictures at these positions, centre-cropped as indexing would see them, one row each. */
export async function embedPictures(indices: readonly number[], network: LearningNetwork): Promise<Float32Array> {
  const { pipeline, engine, parameters } = network;
  const starts = Array.from({ length: Math.ceil(indices.length / chunk) }, (_, i) => i * chunk);
  const take = (start: number): readonly number[] => indices.slice(start, start + chunk);
  let rows = new Float32Array(0);
  let next = pipeline.run(take(0), null);
  for (const start of starts) {
    const activations = await next;
    // The workers prepare the next chunk while this one is embedded.
    next = pipeline.run(take(start + chunk), null);
    next.catch(() => undefined); // reported when its turn comes
    const count = take(start).length;
    const raw = await engine.embed(activations, count, parameters);
    pipeline.release(activations);
    const dimension = raw.length / count;
    if (rows.length === 0) rows = new Float32Array(indices.length * dimension);
    for (let i = 0; i < count; i++)
      rows.set(l2Normalize(raw.subarray(i * dimension, (i + 1) * dimension)), (start + i) * dimension);
  }
  await next;
  return rows;
}

/**
 * R@1 and MAP@R on held-out classes; null when there are none to hold out.
 * @param onEmbedded gets the set's embeddings, one unit-length row each
 */
export async function validate(
  set: ValidationSet,
  network: LearningNetwork,
  onEmbedded?: (embeddings: Float32Array) => void,
): Promise<{ recallAt1: number; mapAtR: number } | null> {
  if (set.indices.length < 3) return null;
  const embeddings = await embedPictures(set.indices, network);
  onEmbedded?.(embeddings);
  const dimension = embeddings.length / set.indices.length;
  const metrics = retrievalMetrics({ embeddings, labels: set.labels, dimension, ks: [1] });
  if (metrics.queries === 0) return null;
  return { recallAt1: metrics.values['recall@1'] ?? NaN, mapAtR: metrics.mapAtR };
}
