import * as tf from '@tensorflow/tfjs-core';
import { KindredError } from '../../../core/errors.js';
import type { Network, Parameters } from '../../../model/graph.js';
import { lossGradient, type GradientEngine, type StepResult } from '../engine.js';
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
    gradients(activations, batch, parameters, loss) {
      let result: StepResult | undefined;
      tf.tidy(() => {
        const weights = upload(parameters);
        const values = runForward(network, inputOf(activations, batch), weights);
        const embeddings = read(tensor(values, network.output));
        const { value, gradient } = lossGradient(loss, embeddings, batch);
        const output = tf.tensor2d(gradient, [batch, gradient.length / batch]);
        const gradients = runBackward(network, weights, values, output);
        result = {
          loss: value,
          embeddings,
          gradients: new Map([...gradients].map(([key, part]) => [key, read(part)])),
        };
      });
      if (!result) throw new KindredError('internal', 'the step gave no result');
      return Promise.resolve(result);
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
