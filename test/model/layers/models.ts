import { randomValues } from '../networks.js';

export interface LayerOptions {
  readonly type: string;
  readonly name: string;
  readonly from?: readonly string[];
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface WeightOptions {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Random weights; `positive` for variances. */
export function weight(name: string, shape: readonly number[], positive = false): WeightOptions {
  const data = randomValues(
    shape.reduce((product, side) => product * side, 1),
    name,
    0.7,
  );
  return { name, shape, data: positive ? data.map((value) => value * value + 0.1) : data };
}

export const batchNormWeights = (name: string, channels: number): WeightOptions[] => [
  weight(`${name}/gamma`, [channels]),
  weight(`${name}/beta`, [channels]),
  weight(`${name}/moving_mean`, [channels]),
  weight(`${name}/moving_variance`, [channels], true),
];

export function bytesOf(weights: readonly WeightOptions[]): Uint8Array {
  return Buffer.concat(weights.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)));
}

/** A TF.js layers model as Keras would write it; a layer without `from` reads the one before it. */
export function layersModel(layers: readonly LayerOptions[], weights: readonly WeightOptions[]) {
  const all = [
    { type: 'InputLayer', name: 'image', from: [], config: { batch_input_shape: [null, 8, 8, 3] } },
    ...layers,
  ];
  return {
    json: {
      modelTopology: {
        model_config: {
          class_name: 'Functional',
          config: {
            name: 'model',
            layers: all.map(({ type, name, from, config }, i) => ({
              class_name: type,
              name,
              config: { name, ...config },
              inbound_nodes: i === 0 ? [] : [(from ?? [all[i - 1]?.name ?? '']).map((input) => [input, 0, 0, {}])],
            })),
          },
        },
      },
      weightsManifest: [
        { paths: ['weights.bin'], weights: weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })) },
      ],
    },
    bytes: bytesOf(weights),
  };
}
