import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createRequire } from 'node:module';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { loadNsfwjs } from '../../../src/learn/backbones/nsfwjs.js';
import { withHead } from '../../../src/learn/head.js';
import type { Network } from '../../../src/model/graph.js';
import { pixelScales } from '../../../src/model/layers/read.js';
import { writeLayersModel } from '../../../src/model/layers/write.js';
import { exportEncoder } from '../../../src/model/onnx/export.js';
import { trainable } from '../../learn/engines/cases.js';
import { relativeDifference } from '../naive.js';

/** As much of TF.js's layers package as is used here; nsfwjs' peer dependency brings it. */
interface Layers {
  loadLayersModel(handler: tf.io.IOHandler): Promise<{ predict(x: tf.Tensor): tf.Tensor; dispose(): unknown }>;
}
const isLayers = (value: unknown): value is Layers =>
  typeof value === 'object' && value !== null && 'loadLayersModel' in value;

const layers: unknown = createRequire(import.meta.url)('@tensorflow/tfjs-layers');
const file = z.looseObject({
  modelTopology: z.looseObject({}),
  weightsManifest: z.array(
    z.looseObject({
      weights: z.array(z.looseObject({ name: z.string(), shape: z.array(z.number()), dtype: z.literal('float32') })),
    }),
  ),
});

async function predict(network: Network, scaled: Float32Array): Promise<Float32Array> {
  if (!isLayers(layers)) throw new Error('@tensorflow/tfjs-layers has no loadLayersModel');
  const { json, weights } = writeLayersModel(network);
  const { modelTopology, weightsManifest } = file.parse(JSON.parse(json));
  const weightData = Uint8Array.from(weights).buffer;
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  const model = await layers.loadLayersModel({
    load: () => Promise.resolve({ modelTopology, weightSpecs, weightData }),
  });
  return tf.tidy(() => Float32Array.from(model.predict(tf.tensor(scaled, [2, ...network.inputShape])).dataSync()));
}

const scale = pixelScales['zero-to-one'] ?? { multiply: NaN, add: NaN };

/** Unit-length rows. */
function unit(values: Float32Array, dimension: number): Float32Array {
  return values.map(
    (value, i) => value / Math.hypot(...values.subarray(i - (i % dimension), i - (i % dimension) + dimension)),
  );
}

async function compare(network: Network, dimension: number): Promise<void> {
  const size = network.inputShape.reduce((product, side) => product * side, 1);
  const pixels = Uint8Array.from({ length: 2 * size }, (_, i) => (i * 37) % 256);
  const session = await InferenceSession.create(exportEncoder(network, scale), { logSeverityLevel: 3 });
  const { embedding } = await session.run({ pixels: new Tensor('uint8', pixels, [2, ...network.inputShape]) });
  await session.release();
  const expected = embedding?.data instanceof Float32Array ? embedding.data : [];
  const found = await predict(
    network,
    Float32Array.from(pixels, (value) => value / 255),
  );
  expect(relativeDifference(unit(found, dimension), expected)).toBeLessThan(1e-4);
}

beforeAll(() => tf.setBackend('cpu'));

test.each(trainable.filter(({ network }) => network.inputShape.length === 3))(
  'TF.js loads the written model and computes what the ONNX export does: $title',
  ({ network }) => compare(network, 3),
);

test('TF.js loads a trained MobileNetV2 with its head', async () => {
  await compare(withHead((await loadNsfwjs({})).network(32), 8, 1), 8);
});
