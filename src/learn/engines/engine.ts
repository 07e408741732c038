import type { Network, Parameters } from '../../model/graph.js';

/** ∂L/∂embedding [B, D] of a step's raw embeddings [B, D] (before L2 normalisation). It may start from all of a batch. */
export type OutputGradient = (embeddings: Float32Array) => Float32Array | Promise<Float32Array>;

export interface StepResult {
  /** One gradient for every parameter, in the parameter's own shape and order. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** Raw embeddings, B · D values. */
  readonly embeddings: Float32Array;
  /** Milliseconds spent in the runtime: both passes, without the loss and without moving values in and out. */
  readonly kernelMs: number;
}

/**
 * Computes what learns: a pure function from (activations of the stem, parameters, the loss's gradient) to gradients. It
 * knows no loss and owns no weights and no optimizer, so that every engine trains, saves and resumes the same way. The
 * suite in test/contracts/engine.ts runs against every implementation.
 */
export interface GradientEngine {
  readonly name: string;
  /** How the stem's activations are laid out for this engine. */
  readonly layout: 'nchw' | 'nhwc';
  /** Forward pass, then `outputGradient` of its embeddings, then backward pass. */
  gradients(
    activations: Float32Array,
    batch: number,
    parameters: Parameters,
    outputGradient: OutputGradient,
  ): Promise<StepResult>;
  /** Raw embeddings, B · D values. */
  embed(activations: Float32Array, batch: number, parameters: Parameters): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** @throws KindredError backend-unavailable when this machine cannot run it, backbone-unsupported naming the layer */
export type EngineFactory = (network: Network, options: { readonly threads: number }) => Promise<GradientEngine>;
