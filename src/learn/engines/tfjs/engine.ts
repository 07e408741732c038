import * as tf from '@tensorflow/tfjs-core';
import type { Network, Parameters } from '../../../model/graph.js';
import type { GradientEngine } from '../engine.js';
import { runBackward } from './backward.js';
import { runForward, tensor } from './forward.js';
import { onBackend } from './on-backend.js';

type NamedTensors = Record<string, tf.Tensor>;

/** The values of a tensor: waited for, because a GPU's cannot be read at once, and copied, because cpu's are shared. */
async function read(values: tf.Tensor): Promise<Float32Array> {
  return (await values.data<'float32'>()).slice();
}

/**
 * Runs in TF.js on a backend that has been opened; the current one is left as it is. Leaves no tensor behind. What it
 * gives as time in the runtime contains the transfers: a GPU computes while its results are waited for.
 * @param backend TF.js's name for it
 */
export function createTfjsEngine(network: Network, name: string, backend: string): GradientEngine {
  const upload = (parameters: Parameters): NamedTensors =>
    Object.fromEntries(
      [...parameters].map(([key, { data, shape }]) => [key, tf.tensor(data, [...shape], 'float32')] as const),
    );
  const output = (values: NamedTensors): tf.Tensor => tensor(new Map(Object.entries(values)), network.output);
  /** The weights and the value of every node, for the caller to dispose. */
  const forward = (
    activations: Float32Array,
    batch: number,
    parameters: Parameters,
  ): { weights: NamedTensors; values: NamedTensors } =>
    onBackend(backend, () =>
      tf.tidy(() => {
        const weights = upload(parameters);
        // A GPU takes no shared memory.
        const own = activations.buffer instanceof SharedArrayBuffer ? activations.slice() : activations;
        const input = tf.tensor(own, [batch, ...network.inputShape], 'float32');
        return { weights, values: Object.fromEntries(runForward(network, input, new Map(Object.entries(weights)))) };
      }),
    );
  const backward = (weights: NamedTensors, values: NamedTensors, gradient: Float32Array, batch: number): NamedTensors =>
    onBackend(backend, () =>
      tf.tidy(() => {
        const incoming = tf.tensor2d(gradient, [batch, gradient.length / batch]);
        const [w, v] = [new Map(Object.entries(weights)), new Map(Object.entries(values))];
        return Object.fromEntries(runBackward(network, w, v, incoming));
      }),
    );
  return {
    name,
    layout: 'nhwc',
    async gradients(activations, batch, parameters, outputGradient) {
      const started = performance.now();
      const { weights, values } = forward(activations, batch, parameters);
      let parts: NamedTensors = {};
      try {
        const embeddings = await read(output(values));
        const forwardMs = performance.now() - started;
        const gradient = await outputGradient(embeddings);
        const turned = performance.now();
        parts = backward(weights, values, gradient, batch);
        const gradients = new Map(
          await Promise.all(Object.entries(parts).map(async ([key, part]) => [key, await read(part)] as const)),
        );
        return { embeddings, gradients, kernelMs: forwardMs + performance.now() - turned };
      } finally {
        tf.dispose([weights, values, parts]);
      }
    },
    async embed(activations, batch, parameters) {
      const made = forward(activations, batch, parameters);
      try {
        return await read(output(made.values));
      } finally {
        tf.dispose([made.weights, made.values]);
      }
    },
    dispose: () => Promise.resolve(),
  };
}
