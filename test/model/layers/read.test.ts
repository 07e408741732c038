import { describe, expect, test } from 'vitest';
import { loadNsfwjs } from '../../../src/learn/backbones/nsfwjs.js';
import { KindredError } from '../../../src/core/errors.js';
import { readLayersModel } from '../../../src/model/layers/read.js';
import { inferShapes } from '../../../src/model/shapes.js';
import { naiveForward, relativeDifference } from '../naive.js';
import { randomValues } from '../networks.js';
import { batchNormWeights, layersModel, weight, type LayerOptions, type WeightOptions } from './models.js';

const inputSize = 8;
const input = randomValues(inputSize * inputSize * 3, 'picture');

function read(layers: readonly LayerOptions[], weights: readonly WeightOptions[], cut?: string) {
  const { json, bytes } = layersModel(layers, weights);
  return readLayersModel(json, bytes, cut === undefined ? { inputSize } : { inputSize, cut });
}

function thrown(action: () => unknown): KindredError {
  try {
    action();
  } catch (error) {
    if (error instanceof KindredError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const conv = (name: string, config: Record<string, unknown> = {}): LayerOptions => ({
  type: 'Conv2D',
  name,
  config: { padding: 'same', use_bias: false, ...config },
});
const norm = (name: string): LayerOptions => ({ type: 'BatchNormalization', name, config: { epsilon: 0.01 } });
const relu6: LayerOptions = { type: 'ReLU', name: 'relu', config: { max_value: 6 } };

/** Batch normalisation by its definition, on values with the channel last. */
function normalised(values: readonly number[], name: string, channels: number): number[] {
  const [gamma, beta, mean, variance] = batchNormWeights(name, channels).map(({ data }) => data);
  return values.map((value, i) => {
    const c = i % channels;
    const unit = (value - (mean?.[c] ?? NaN)) / Math.sqrt((variance?.[c] ?? NaN) + 0.01);
    return unit * (gamma?.[c] ?? NaN) + (beta?.[c] ?? NaN);
  });
}

describe('batch normalisation', () => {
  test.each([true, false])('is folded into a convolution (with a bias: %s), the activation fused', (use_bias) => {
    const kernel = [weight('c/kernel', [3, 3, 3, 4]), ...(use_bias ? [weight('c/bias', [4])] : [])];
    const plain = naiveForward(read([conv('c', { use_bias })], kernel), input, 1);
    const network = read([conv('c', { use_bias }), norm('n'), relu6], [...kernel, ...batchNormWeights('n', 4)]);
    expect(network.nodes).toMatchObject([
      { op: 'conv2d', activation: 'relu6', layers: ['c', 'n', 'relu'], name: 'relu' },
    ]);
    const expected = normalised(plain, 'n', 4).map((value) => Math.min(6, Math.max(0, value)));
    expect(relativeDifference(naiveForward(network, input, 1), expected)).toBeLessThan(1e-5);
  });

  test('is folded into a depthwise convolution with a depth multiplier', () => {
    const layer: LayerOptions = { type: 'DepthwiseConv2D', name: 'd', config: { padding: 'same', use_bias: false } };
    const kernel = weight('d/depthwise_kernel', [3, 3, 3, 2]);
    const plain = naiveForward(read([layer], [kernel]), input, 1);
    const network = read([layer, norm('n')], [kernel, ...batchNormWeights('n', 6)]);
    expect(network.nodes).toHaveLength(1);
    expect(relativeDifference(naiveForward(network, input, 1), normalised(plain, 'n', 6))).toBeLessThan(1e-5);
  });

  test('after an add, a concat or an activation stays as an operation of its own', () => {
    const kernels = [weight('a/kernel', [1, 1, 3, 3]), weight('b/kernel', [1, 1, 3, 3])];
    const branches: LayerOptions[] = [conv('a', { activation: 'relu' }), { ...conv('b'), from: ['image'] }];
    for (const [type, channels] of [
      ['Add', 3],
      ['Concatenate', 6],
    ] as const) {
      const joined: LayerOptions[] = [...branches, { type, name: 'join', from: ['a', 'b'] }];
      const plain = naiveForward(read(joined, kernels), input, 1);
      const network = read([...joined, norm('n')], [...kernels, ...batchNormWeights('n', channels)]);
      expect(relativeDifference(naiveForward(network, input, 1), normalised(plain, 'n', channels))).toBeLessThan(1e-5);
    }
    const after = naiveForward(read([conv('a', { activation: 'relu' })], kernels), input, 1);
    const network = read([conv('a', { activation: 'relu' }), norm('n')], [...kernels, ...batchNormWeights('n', 3)]);
    expect(relativeDifference(naiveForward(network, input, 1), normalised(after, 'n', 3))).toBeLessThan(1e-5);
  });

  test('is not folded into a convolution that something else reads too', () => {
    const weights = [weight('a/kernel', [1, 1, 3, 3]), ...batchNormWeights('n', 3)];
    const layers: LayerOptions[] = [conv('a'), norm('n'), { type: 'Add', name: 'sum', from: ['a', 'n'] }];
    const plain = naiveForward(read([conv('a')], weights), input, 1);
    const expected = normalised(plain, 'n', 3).map((value, i) => value + (plain[i] ?? NaN));
    expect(relativeDifference(naiveForward(read(layers, weights), input, 1), expected)).toBeLessThan(1e-5);
  });
});

describe('reading a layers model', () => {
  test('keeps what the cut needs, and nothing else', () => {
    const weights = [weight('a/kernel', [1, 1, 3, 3]), weight('b/kernel', [1, 1, 3, 2]), ...batchNormWeights('n', 3)];
    const network = read([conv('a'), norm('n'), conv('b')], weights, 'n');
    expect(network.output).toBe('n');
    expect([...network.parameters.keys()].sort()).toEqual(['a/bias', 'a/kernel']);
  });

  test('a Sequential model, padding, pooling, dropout and a dense layer', () => {
    const weights = [weight('c/kernel', [3, 3, 3, 4]), weight('d/kernel', [4, 2]), weight('d/bias', [2])];
    const layers = [
      {
        type: 'ZeroPadding2D',
        name: 'pad',
        config: {
          padding: [
            [0, 1],
            [0, 1],
          ],
        },
      },
      conv('c', { strides: [2, 2], padding: 'valid', activation: 'relu' }),
      { type: 'MaxPooling2D', name: 'max', config: { pool_size: [2, 2], padding: 'same' } },
      { type: 'Dropout', name: 'drop' },
      { type: 'GlobalAveragePooling2D', name: 'gap' },
      { type: 'Dense', name: 'd' },
    ];
    const { json, bytes } = layersModel(layers, weights);
    const { config } = json.modelTopology.model_config;
    const sequential = { ...json, modelTopology: { class_name: 'Sequential', config: { layers: config.layers } } };
    const [one, other] = [read(layers, weights), readLayersModel(sequential, bytes, { inputSize })];
    expect(one).toEqual(other);
    expect([...inferShapes(one).values()]).toEqual([[8, 8, 3], [9, 9, 3], [4, 4, 4], [2, 2, 4], [4], [2]]);
  });

  test('nsfwjs’ MobileNetV2 at any size that is a multiple of 32', async () => {
    const backbone = await loadNsfwjs({});
    for (const size of [32, 96, 224]) {
      const network = backbone.network(size);
      expect(inferShapes(network).get(network.output)).toEqual([size / 16, size / 16, 576]);
      expect(network.nodes.some(({ op }) => op === 'activation')).toBe(false);
    }
    expect(thrown(() => backbone.network(100))).toMatchObject({
      code: 'input-size-unsupported',
      field: '--input-size',
    });
    expect(thrown(() => backbone.network(100)).hint).toContain('Use 96');
  });

  const kernel = weight('c/kernel', [1, 1, 3, 3]);
  test.each<[string, LayerOptions, string]>([
    ['an unknown layer', { type: 'SeparableConv2D', name: 'odd' }, 'layer odd: SeparableConv2D'],
    [
      'an unknown activation',
      { type: 'Activation', name: 'odd', config: { activation: 'swish' } },
      'layer odd: activation swish',
    ],
    ['a leaky ReLU', { type: 'ReLU', name: 'odd', config: { negative_slope: 0.1 } }, 'layer odd: a leaky'],
    [
      'a ReLU with another maximum',
      { type: 'ReLU', name: 'odd', config: { max_value: 4 } },
      'layer odd: ReLU with maximum 4',
    ],
    ['dilation', conv('odd', { dilation_rate: [2, 2] }), 'layer odd: dilation'],
    ['groups', conv('odd', { groups: 3 }), 'layer odd: a grouped convolution'],
    ['channels first', conv('odd', { data_format: 'channels_first' }), 'layer odd: Conv2D with this data_format'],
    ['an odd padding', conv('odd', { padding: 'causal' }), 'layer odd: Conv2D with this padding'],
    [
      'joining rows',
      { type: 'Concatenate', name: 'odd', from: ['c', 'c'], config: { axis: 1 } },
      'layer odd: joining along axis 1',
    ],
  ])('refuses %s, naming the layer', (_, layer, message) => {
    const error = thrown(() => read([conv('c'), layer], [kernel]));
    expect(error.code).toBe('backbone-unsupported');
    expect(error.message).toContain(message);
    expect(error.hint).toContain('--backbone-cut');
    expect(() => read([conv('c'), layer], [kernel], 'c')).not.toThrow();
  });

  test('refuses a layer that is used twice, an unknown cut, and what is no layers model', () => {
    const { json, bytes } = layersModel([conv('c')], [kernel]);
    json.modelTopology.model_config.config.layers[1]?.inbound_nodes.push([['image', 0, 0, {}]]);
    expect(thrown(() => readLayersModel(json, bytes, { inputSize })).message).toContain(
      'layer c: a layer that is used',
    );
    const cut = thrown(() => read([conv('c')], [kernel], 'd'));
    expect(cut).toMatchObject({ code: 'backbone-unsupported', field: '--backbone-cut' });
    expect(cut.message).toContain('no layer "d"');
    expect(cut.hint).toContain('Its layers: c');
    expect(thrown(() => readLayersModel({ format: 'graph-model' }, bytes, { inputSize })).hint).toContain(
      'tfjs_layers_model',
    );
    expect(thrown(() => read([conv('c'), conv('e')], [kernel])).message).toContain('lack e/kernel');
  });
});
