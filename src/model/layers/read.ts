import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import type { Activation, Network, Node, Parameter, PixelScale } from '../graph.js';
import { foldBatchNorms, fuseActivations, type RawNode } from './fold.js';
import * as schema from './schema.js';
import { decodeWeights } from './weights.js';

const supported =
  'InputLayer, Conv2D, DepthwiseConv2D, BatchNormalization, Activation, ReLU, ZeroPadding2D, Add, Concatenate, MaxPooling2D, AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, Dense, Dropout';

function unsupported(layer: string, what: string): KindredError {
  return new KindredError('backbone-unsupported', `layer ${layer}: ${what} is not supported`, {
    hint: `Cut the backbone before it with --backbone-cut. Supported layers: ${supported}.`,
  });
}

function activationOf(layer: string, name: string | null | undefined): Activation {
  if (name === undefined || name === null || name === 'linear') return 'linear';
  if (name === 'relu' || name === 'relu6') return name;
  throw unsupported(layer, `activation ${name}`);
}

function reluOf(layer: string, config: unknown): Activation {
  const { max_value: most, negative_slope: slope, threshold } = schema.reluConfig.parse(config);
  const slopes = Array.isArray(slope) ? slope : [slope ?? 0];
  if (slopes.some((value) => value !== 0) || (threshold ?? 0) !== 0)
    throw unsupported(layer, 'a leaky or shifted ReLU');
  if (most === undefined || most === null) return 'relu';
  if (most === 6) return 'relu6';
  throw unsupported(layer, `ReLU with maximum ${most}`);
}

type Reader = (entry: schema.LayerEntry, name: string, inputs: string[]) => RawNode;

const convolution: Reader = (entry, name, inputs) => {
  const config = schema.convolutionConfig.parse(entry.config);
  if (config.dilation_rate.some((rate) => rate !== 1)) throw unsupported(name, 'dilation');
  if (config.groups !== 1) throw unsupported(name, 'a grouped convolution');
  const depthwise = entry.class_name === 'DepthwiseConv2D';
  return {
    op: depthwise ? 'depthwise' : 'conv2d',
    name,
    inputs,
    layers: [name],
    kernel: `${name}/${depthwise ? 'depthwise_kernel' : 'kernel'}`,
    bias: config.use_bias ? `${name}/bias` : null,
    strides: config.strides,
    padding: config.padding,
    activation: activationOf(name, config.activation),
  };
};

const pool: Reader = (entry, name, inputs) => {
  const config = schema.poolConfig.parse(entry.config);
  return {
    op: entry.class_name === 'MaxPooling2D' ? 'max-pool' : 'average-pool',
    name,
    inputs,
    layers: [name],
    size: config.pool_size,
    strides: config.strides ?? config.pool_size,
    padding: config.padding,
  };
};

const plain =
  (op: 'add' | 'global-average-pool' | 'global-max-pool'): Reader =>
  (_, name, inputs) => ({ op, name, inputs, layers: [name] });

const readers: Readonly<Record<string, Reader>> = {
  Conv2D: convolution,
  DepthwiseConv2D: convolution,
  MaxPooling2D: pool,
  AveragePooling2D: pool,
  Add: plain('add'),
  Concatenate: (entry, name, inputs) => {
    const { axis } = schema.concatConfig.parse(entry.config);
    if (axis !== -1 && axis !== 3) throw unsupported(name, `joining along axis ${axis}`);
    return { op: 'concat', name, inputs, layers: [name] };
  },
  GlobalAveragePooling2D: plain('global-average-pool'),
  GlobalMaxPooling2D: plain('global-max-pool'),
  BatchNormalization: (entry, name, inputs) => ({
    op: 'batch-norm',
    name,
    inputs,
    layers: [name],
    epsilon: schema.batchNormConfig.parse(entry.config).epsilon,
  }),
  Activation: (entry, name, inputs) => ({
    op: 'activation',
    name,
    inputs,
    layers: [name],
    activation: activationOf(name, schema.activationConfig.parse(entry.config).activation),
  }),
  ReLU: (entry, name, inputs) => ({
    op: 'activation',
    name,
    inputs,
    layers: [name],
    activation: reluOf(name, entry.config),
  }),
  Dropout: (_, name, inputs) => ({ op: 'activation', name, inputs, layers: [name], activation: 'linear' }),
  ZeroPadding2D: (entry, name, inputs) => ({
    op: 'pad',
    name,
    inputs,
    layers: [name],
    padding: schema.padConfig.parse(entry.config).padding,
  }),
  Dense: (entry, name, inputs) => {
    const config = schema.denseConfig.parse(entry.config);
    const bias = config.use_bias ? `${name}/bias` : null;
    return {
      op: 'dense',
      name,
      inputs,
      layers: [name],
      kernel: `${name}/kernel`,
      bias,
      activation: activationOf(name, config.activation),
    };
  },
};

function readNode(reader: Reader, entry: schema.LayerEntry, name: string, inputs: string[]): RawNode {
  try {
    return reader(entry, name, inputs);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const issue = error.issues[0];
    throw unsupported(name, `${entry.class_name} with this ${issue?.path.join('.') ?? 'configuration'}`);
  }
}

/** The layers that `cut` needs, as nodes with their inputs by name; 'input' is the model's input. */
function rawNodes(topology: schema.Topology, cut: string | undefined): RawNode[] {
  const inputs = new Set<string>();
  let previous = 'input';
  const entries = new Map<string, { entry: schema.LayerEntry; inputs: string[] }>();
  for (const entry of topology.layers) {
    const name = entry.config.name;
    if (entry.class_name === 'InputLayer') {
      inputs.add(name);
      continue;
    }
    const inbound = topology.sequential ? [previous] : (entry.inbound_nodes?.[0] ?? []).map((edge) => edge[0]);
    entries.set(name, { entry, inputs: inbound.map((input) => (inputs.has(input) ? 'input' : input)) });
    previous = name;
  }
  const last = cut ?? previous;
  if (!entries.has(last)) {
    throw new KindredError('backbone-unsupported', `the model has no layer "${last}" to cut after`, {
      hint: `Its layers: ${[...entries.keys()].slice(-12).join(', ')} (the last ones). Choose one with --backbone-cut.`,
      field: '--backbone-cut',
    });
  }
  const needed = new Set([last]);
  for (const name of [...entries.keys()].reverse()) {
    if (needed.has(name)) for (const input of entries.get(name)?.inputs ?? []) needed.add(input);
  }
  return [...entries]
    .filter(([name]) => needed.has(name))
    .map(([name, { entry, inputs: from }]) => {
      const reader = readers[entry.class_name];
      if (!reader) throw unsupported(name, entry.class_name);
      if ((entry.inbound_nodes?.length ?? 0) > 1) throw unsupported(name, 'a layer that is used more than once');
      return readNode(reader, entry, name, from);
    });
}

export interface ReadOptions {
  /** Input height and width, px. */
  readonly inputSize: number;
  /** Name of the last layer to keep; the model's last one by default. */
  readonly cut?: string;
}

/**
 * Reads a TF.js layers model (model.json and the bytes of its weights) into a network: batch normalisation folded into
 * the convolutions, activations fused.
 * @throws KindredError backbone-unsupported naming the layer and what is not supported
 */
export function readLayersModel(json: unknown, weightBytes: Uint8Array, options: ReadOptions): Network {
  const parsed = schema.layersModelSchema.safeParse(json);
  if (!parsed.success) {
    throw new KindredError(
      'backbone-unsupported',
      `not a TF.js layers model: ${z.prettifyError(parsed.error).split('\n')[0] ?? ''}`,
      {
        hint: 'Convert the model with tensorflowjs_converter --output_format tfjs_layers_model.',
        cause: parsed.error,
      },
    );
  }
  const entries = parsed.data.weightsManifest.flatMap((group) => group.weights);
  const weights = decodeWeights(entries, weightBytes);
  const raw = rawNodes(schema.topologyOf(parsed.data), options.cut);
  const folded = foldBatchNorms(raw, weights);
  const nodes: Node[] = fuseActivations(folded.nodes);
  const parameters = new Map<string, Parameter>(folded.parameters);
  return {
    inputShape: [options.inputSize, options.inputSize, 3],
    nodes,
    output: nodes.at(-1)?.name ?? 'input',
    parameters,
  };
}

/** Pixel scales by name: [−1, 1] as Keras' MobileNets take it, [0, 1], or raw 0 … 255. */
export const pixelScales: Readonly<Record<string, PixelScale>> = {
  'minus-one-to-one': { multiply: 1 / 127.5, add: -1 },
  'zero-to-one': { multiply: 1 / 255, add: 0 },
  raw: { multiply: 1, add: 0 },
};
