import * as tf from '@tensorflow/tfjs-core';
import type { Parameters } from '../model/graph.js';

/** A scalar loss of the raw embeddings [B, D] (before L2 normalisation) and its own parameters, differentiable by TF.js. */
export type DifferentiableLoss = (raw: tf.Tensor2D, own: ReadonlyMap<string, tf.Tensor2D>) => tf.Scalar;

export interface LossGradient {
  readonly value: number;
  /** [B·D] with respect to the raw embeddings. */
  readonly gradient: Float32Array;
  /** With respect to the loss's own parameters; empty when it has none. */
  readonly own: ReadonlyMap<string, Float32Array>;
}

/** The value of the loss and its gradients. Small, so it stays in TF.js. */
export function lossGradient(
  loss: DifferentiableLoss,
  embeddings: Float32Array,
  batch: number,
  parameters: Parameters = new Map(),
): LossGradient {
  const [value, gradient = new Float32Array(0), ...own] = tf.tidy(() => {
    const raw = tf.tensor2d(embeddings, [batch, embeddings.length / batch]);
    const matrices = new Map(
      [...parameters].map(([name, { shape, data }]) => [name, tf.tensor2d(data, [shape[0] ?? 0, shape[1] ?? 0])]),
    );
    const found = tf.valueAndGrads(() => loss(raw, matrices))([raw, ...matrices.values()]);
    return [found.value, ...found.grads].map((tensor) => Float32Array.from(tensor.dataSync()));
  });
  return {
    value: value?.[0] ?? NaN,
    gradient,
    own: new Map([...parameters.keys()].map((name, i) => [name, own[i] ?? new Float32Array(0)])),
  };
}
