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

const chunk = 64;

/** R@1 and MAP@R on held-out classes, seen as indexing would see them; null when there are none to hold out. */
export async function validate(
  set: ValidationSet,
  pipeline: StemPipeline,
  engine: GradientEngine,
  parameters: Parameters,
): Promise<{ recallAt1: number; mapAtR: number } | null> {
  if (set.indices.length < 3) return null;
  const starts = Array.from({ length: Math.ceil(set.indices.length / chunk) }, (_, i) => i * chunk);
  const take = (start: number): readonly number[] => set.indices.slice(start, start + chunk);
  const embeddings: number[][] = [];
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
    for (let i = 0; i < count; i++) embeddings.push([...l2Normalize(raw.subarray(i * dimension, (i + 1) * dimension))]);
  }
  await next;
  const dimension = embeddings[0]?.length ?? 0;
  const metrics = retrievalMetrics({
    embeddings: Float32Array.from(embeddings.flat()),
    labels: set.labels,
    dimension,
    ks: [1],
  });
  if (metrics.queries === 0) return null;
  return { recallAt1: metrics.values['recall@1'] ?? NaN, mapAtR: metrics.mapAtR };
}
