import * as tf from '@tensorflow/tfjs-core';
import type { Network, Parameters } from '../../../model/graph.js';
import type { GradientEngine } from '../engine.js';
import { runBackward } from './backward.js';
import { runForward, tensor } from './forward.js';

/** Runs in TF.js on the backend that is set: wasm, cpu, or a native one. Leaves no tensor behind after a step. */
export function createTfjsEngine(network: Network, name: string): GradientEngine {
  const upload = (parameters: Parameters): Map<string, tf.Tensor> =>
    new Map([...parameters].map(([key, { data, shape }]) => [key, tf.tensor(data, [...shape], 'float32')]));
  const inputOf = (activations: Float32Array, batch: number): tf.Tensor =>
    tf.tensor(activations, [batch, ...network.inputShape], 'float32');
  const read = (values: tf.Tensor): Float32Array => Float32Array.from(values.dataSync());
  return {
    name,
    layout: 'nhwc',
    async gradients(activations, batch, parameters, outputGradient) {
      const started = performance.now();
      const weights = upload(parameters);
      const { values, embeddings } = tf.tidy(() => {
        const all = runForward(network, inputOf(activations, batch), weights);
        return { values: Object.fromEntries(all), embeddings: read(tensor(all, network.output)) };
      });
      const forwardMs = performance.now() - started;
      try {
        const gradient = await outputGradient(embeddings);
        const turned = performance.now();
        const gradients = new Map<string, Float32Array>();
        tf.tidy(() => {
          const output = tf.tensor2d(gradient, [batch, gradient.length / batch]);
          const parts = runBackward(network, weights, new Map(Object.entries(values)), output);
          for (const [key, part] of parts) gradients.set(key, read(part));
        });
        return { embeddings, gradients, kernelMs: forwardMs + performance.now() - turned };
      } finally {
        tf.dispose([values, Object.fromEntries(weights)]);
      }
    },
    embed(activations, batch, parameters) {
      const raw = tf.tidy(() =>
        tensor(runForward(network, inputOf(activations, batch), upload(parameters)), network.output),
      );
      const embeddings = read(raw);
      raw.dispose();
      return Promise.resolve(embeddings);
    },
    dispose: () => Promise.resolve(),
  };
}
