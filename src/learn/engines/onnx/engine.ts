import { InferenceSession, Tensor } from 'onnxruntime-node';
import { KindredError } from '../../../core/errors.js';
import type { Parameters } from '../../../model/graph.js';
import { inferShapes } from '../../../model/shapes.js';
import type { EngineFactory } from '../engine.js';
import { buildBackward, gradientName } from './backward-graph.js';
import { buildForward, parameterName, planes, valueName, valuesForBackward } from './forward-graph.js';

type Feeds = Record<string, Tensor>;

function floats(results: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  const data = results[name]?.data;
  if (!(data instanceof Float32Array)) throw new KindredError('internal', `the training graph gave no ${name}`);
  return data;
}

/**
 * Trains in ONNX Runtime, which uses every core: the learning part and its gradient are compiled to two ONNX graphs. The
 * forward graph hands the backward graph the values it needs.
 */
export const createOnnxEngine: EngineFactory = async (network, { threads }) => {
  const options: InferenceSession.SessionOptions = {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  };
  const kept = valuesForBackward(network).filter((name) => name !== 'input');
  const outputs = [...new Set([...kept, network.output])];
  const forward = await InferenceSession.create(buildForward(network, outputs), options);
  const backwards = new Map<number, InferenceSession>();
  const inputDims = planes(network.inputShape).slice(1).map(Number);
  const shapes = inferShapes(network);

  const parameterFeeds = (parameters: Parameters): Feeds =>
    Object.fromEntries(
      [...parameters].map(([name, { data, shape }]) => [parameterName(name), new Tensor('float32', data, shape)]),
    );
  const inputTensor = (activations: Float32Array, batch: number): Tensor =>
    new Tensor('float32', activations, [batch, ...inputDims]);
  const backwardFor = async (batch: number): Promise<InferenceSession> => {
    const known = backwards.get(batch);
    if (known) return known;
    const created = await InferenceSession.create(buildBackward(network, batch), options);
    backwards.set(batch, created);
    return created;
  };
  // A session complains about feeds that its graph does not have (a kernel whose gradient needs no value of it).
  const only = (session: InferenceSession, feeds: Feeds): Feeds =>
    Object.fromEntries(session.inputNames.flatMap((name) => (feeds[name] ? [[name, feeds[name]]] : [])));

  return {
    name: 'onnx',
    layout: 'nchw',
    async gradients(activations, batch, parameters, outputGradient) {
      const backward = await backwardFor(batch);
      const feeds: Feeds = { ...parameterFeeds(parameters), [valueName('input')]: inputTensor(activations, batch) };
      const started = performance.now();
      const values = await forward.run(only(forward, feeds));
      const forwardMs = performance.now() - started;
      const embeddings = Float32Array.from(floats(values, valueName(network.output)));
      const gradient = await outputGradient(embeddings);
      const width = shapes.get(network.output)?.[0] ?? 0;
      const incoming = { [gradientName(network.output)]: new Tensor('float32', gradient, [batch, width]) };
      const turned = performance.now();
      const results = await backward.run(only(backward, { ...feeds, ...values, ...incoming }));
      const kernelMs = forwardMs + performance.now() - turned;
      const gradients = new Map([...parameters.keys()].map((name) => [name, floats(results, gradientName(name))]));
      return { gradients, embeddings, kernelMs };
    },
    async embed(activations, batch, parameters) {
      const feeds: Feeds = { ...parameterFeeds(parameters), [valueName('input')]: inputTensor(activations, batch) };
      const values = await forward.run(only(forward, feeds), [valueName(network.output)]);
      return Float32Array.from(floats(values, valueName(network.output)));
    },
    async dispose() {
      await Promise.all([forward, ...backwards.values()].map((session) => session.release()));
    },
  };
};
