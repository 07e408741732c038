import { addInto, concatenate } from '../core/vectors.js';
import type { Parameters } from '../model/graph.js';
import type { GradientEngine, OutputGradient, StepResult } from './engines/engine.js';

/** Activations of a few pictures, as the engine takes them. */
export interface BatchPart {
  readonly activations: Float32Array;
  readonly count: number;
}

/**
 * The gradients of one batch, computed piece by piece. Exact for losses that compare the pictures of a
 * batch: all embeddings come first, the loss's gradient is taken over the whole batch, and only then is it carried back
 * through the network, piece by piece. What a piece's forward pass keeps in memory is made a second time for that.
 * @param parts activations of the pieces in the order of the batch's rows
 */
export async function batchGradients(
  engine: GradientEngine,
  parts: readonly BatchPart[],
  parameters: Parameters,
  outputGradient: OutputGradient,
): Promise<StepResult> {
  const [only] = parts;
  if (parts.length === 1 && only) return engine.gradients(only.activations, only.count, parameters, outputGradient);
  const started = performance.now();
  const pieces: Float32Array[] = [];
  for (const { activations, count } of parts) pieces.push(await engine.embed(activations, count, parameters));
  let kernelMs = performance.now() - started;
  const embeddings = concatenate(pieces);
  const gradient = await outputGradient(embeddings);
  const total = new Map<string, Float32Array>();
  let offset = 0;
  for (const [i, { activations, count }] of parts.entries()) {
    const slice = gradient.slice(offset, (offset += pieces[i]?.length ?? 0));
    const result = await engine.gradients(activations, count, parameters, () => slice);
    kernelMs += result.kernelMs;
    for (const [name, values] of result.gradients) {
      const sum = total.get(name);
      if (sum) addInto(sum, values);
      else total.set(name, values.slice());
    }
  }
  return { embeddings, gradients: total, kernelMs };
}
