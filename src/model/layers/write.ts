import { KindredError } from '../../core/errors.js';
import type { Activation, Network, Node } from '../graph.js';
import { parametersOf } from '../graph.js';
import { parameter } from '../shapes.js';

interface LayerJson {
  readonly class_name: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inbound_nodes: unknown;
}

const activationName = (activation: Activation): string => activation;

/** Keras knows relu6 as an activation layer only, so such a convolution is written as two layers. */
function layersOf(node: Node, network: Network): LayerJson[] {
  const inbound = [node.inputs.map((name) => [name, 0, 0, {}])];
  const layer = (
    className: string,
    config: Record<string, unknown>,
    name = node.name,
    from: unknown = inbound,
  ): LayerJson => ({
    class_name: className,
    name,
    config: { name, trainable: false, dtype: 'float32', ...config },
    inbound_nodes: from,
  });
  switch (node.op) {
    case 'conv2d':
    case 'depthwise': {
      const [kh = 1, kw = 1, , last = 1] = parameter(network, node.kernel).shape;
      const prefix = node.kernel.slice(0, node.kernel.lastIndexOf('/'));
      const fused = node.activation !== 'linear';
      const name = fused && prefix !== node.name ? prefix : node.name;
      const config = {
        kernel_size: [kh, kw],
        strides: [...node.strides],
        padding: node.padding,
        data_format: 'channels_last',
        dilation_rate: [1, 1],
        use_bias: node.bias !== null,
        activation: fused && name === node.name ? activationName(node.activation) : 'linear',
        ...(node.op === 'conv2d' ? { filters: last } : { depth_multiplier: last }),
      };
      const main = layer(node.op === 'conv2d' ? 'Conv2D' : 'DepthwiseConv2D', config, name);
      if (name === node.name) return [main];
      return [
        main,
        layer('Activation', { activation: activationName(node.activation) }, node.name, [[[name, 0, 0, {}]]]),
      ];
    }
    case 'dense': {
      const units = parameter(network, node.kernel).shape[1] ?? 0;
      return [layer('Dense', { units, activation: activationName(node.activation), use_bias: node.bias !== null })];
    }
    case 'activation':
      return [layer('Activation', { activation: activationName(node.activation) })];
    case 'pad':
      return [layer('ZeroPadding2D', { padding: node.padding.map((side) => [...side]), data_format: 'channels_last' })];
    case 'max-pool':
    case 'average-pool': {
      const config = {
        pool_size: [...node.size],
        strides: [...node.strides],
        padding: node.padding,
        data_format: 'channels_last',
      };
      return [layer(node.op === 'max-pool' ? 'MaxPooling2D' : 'AveragePooling2D', config)];
    }
    case 'global-average-pool':
      return [layer('GlobalAveragePooling2D', { data_format: 'channels_last' })];
    case 'global-max-pool':
      return [layer('GlobalMaxPooling2D', { data_format: 'channels_last' })];
    case 'add':
      return [layer('Add', {})];
    case 'concat':
      return [layer('Concatenate', { axis: -1 })];
    case 'l2-normalize':
      throw new KindredError('internal', 'a layers model ends before the L2 normalisation');
  }
}

/** The layer that owns a parameter, as TF.js finds weights: by `layer/kernel`. */
function weightName(node: Node, name: string, network: Network): string {
  const [owner] = layersOf(node, network);
  return `${owner?.name ?? node.name}/${name.slice(name.lastIndexOf('/') + 1)}`;
}

/**
 * Writes a network as a TF.js layers model: model.json and weights.bin (float32). Its input is the scaled picture, NHWC;
 * its output is the network's, before any L2 normalisation.
 */
export function writeLayersModel(network: Network): { json: string; weights: Uint8Array } {
  const input = {
    class_name: 'InputLayer',
    name: 'input',
    config: { name: 'input', batch_input_shape: [null, ...network.inputShape], dtype: 'float32', sparse: false },
    inbound_nodes: [],
  };
  const layers = [input, ...network.nodes.flatMap((node) => layersOf(node, network))];
  const entries = network.nodes.flatMap((node) =>
    parametersOf(node).map((name) => ({ name: weightName(node, name, network), ...parameter(network, name) })),
  );
  const json = {
    format: 'layers-model',
    generatedBy: 'kindred',
    modelTopology: {
      class_name: 'Model',
      keras_version: '2.15.0',
      backend: 'tensorflow',
      config: { name: 'kindred', layers, input_layers: [['input', 0, 0]], output_layers: [[network.output, 0, 0]] },
    },
    weightsManifest: [
      { paths: ['weights.bin'], weights: entries.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })) },
    ],
  };
  const weights = Buffer.concat(entries.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)));
  return { json: JSON.stringify(json), weights };
}
