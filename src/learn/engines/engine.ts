import * as tf from '@tensorflow/tfjs-core';
import type { Network, Parameters } from '../../model/graph.js';

/** A scalar loss of the raw embeddings [B, D] (before L2 normalisation), differentiable by TF.js. */
export type DifferentiableLoss = (raw: tf.Tensor2D) => tf.Scalar;

export interface StepResult {
  readonly loss: number;
  /** One gradient for every parameter, in the parameter's own shape and order. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** Raw embeddings, B · D values. */
  readonly embeddings: Float32Array;
}

/**
 * Computes what learns: a pure function from (activations of the stem, parameters, loss) to gradients. It owns no weights
 * and no optimizer, so that every engine trains, saves and resumes the same way. The suite in test/contracts/engine.ts
 * runs against every implementation.
 */
export interface GradientEngine {
  readonly name: string;
  /** How the stem's activations are laid out for this engine. */
  readonly layout: 'nchw' | 'nhwc';
  gradients(
    activations: Float32Array,
    batch: number,
    parameters: Parameters,
    loss: DifferentiableLoss,
  ): Promise<StepResult>;
  /** Raw embeddings, B · D values. */
  embed(activations: Float32Array, batch: number, parameters: Parameters): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** @throws KindredError backend-unavailable when this machine cannot run it, backbone-unsupported naming the layer */
export type EngineFactory = (network: Network, options: { readonly threads: number }) => Promise<GradientEngine>;

/** The value of the loss and its gradient with respect to the raw embeddings, B · D values. Small, so it stays in TF.js. */
export function lossGradient(
  loss: DifferentiableLoss,
  embeddings: Float32Array,
  batch: number,
): { value: number; gradient: Float32Array } {
  return tf.tidy(() => {
    const raw = tf.tensor2d(embeddings, [batch, embeddings.length / batch]);
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor2D) => loss(x))(raw);
    return { value: value.dataSync()[0] ?? NaN, gradient: Float32Array.from(grad.dataSync()) };
  });
}
