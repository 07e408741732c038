import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import type { Network } from '../../model/graph.js';

/**
 * A network as another program can read it: its graph as JSON, and where in a row of float32 values each of its
 * parameters starts. Kernels stay in TF's order (model/graph.ts).
 */
const pair = z.tuple([z.number(), z.number()]);
const activation = z.enum(['linear', 'relu', 'relu6']);
const padding = z.enum(['same', 'valid']);
const base = { name: z.string(), inputs: z.array(z.string()), layers: z.array(z.string()) };
const weights = { kernel: z.string(), bias: z.string().nullable(), activation };

const nodeSchema = z.discriminatedUnion('op', [
  z.object({ ...base, ...weights, op: z.enum(['conv2d', 'depthwise']), strides: pair, padding }),
  z.object({ ...base, ...weights, op: z.literal('dense') }),
  z.object({ ...base, op: z.literal('activation'), activation }),
  z.object({ ...base, op: z.literal('pad'), padding: z.tuple([pair, pair]) }),
  z.object({ ...base, op: z.enum(['max-pool', 'average-pool']), size: pair, strides: pair, padding }),
  z.object({
    ...base,
    op: z.enum(['add', 'concat', 'global-average-pool', 'global-max-pool', 'l2-normalize']),
  }),
]);

export const networkFileSchema = z.object({
  inputShape: z.array(z.number()),
  output: z.string(),
  nodes: z.array(nodeSchema),
  /** `offset`: values before it in the file of weights. */
  parameters: z.array(z.object({ name: z.string(), shape: z.array(z.number()), offset: z.number() })),
});
export type NetworkFile = z.infer<typeof networkFileSchema>;

/** @param values the parameters' values are added at its end */
export function describeNetwork(network: Network, values: Float32Array[]): NetworkFile {
  let offset = values.reduce((sum, part) => sum + part.length, 0);
  const parameters = [...network.parameters].map(([name, { shape, data }]) => {
    const start = offset;
    offset += data.length;
    values.push(data);
    return { name, shape: [...shape], offset: start };
  });
  return networkFileSchema.parse({ ...network, parameters });
}

/** The network again. @throws KindredError file-unreadable when values are missing */
export function restoreNetwork(file: NetworkFile, values: Float32Array): Network {
  const parameters = file.parameters.map(({ name, shape, offset }) => {
    const end = offset + shape.reduce((product, side) => product * side, 1);
    if (end > values.length) {
      throw new KindredError('file-unreadable', `the weights end before ${name}: ${values.length} values, not ${end}`);
    }
    return [name, { shape, data: values.slice(offset, end) }] as const;
  });
  return { ...file, parameters: new Map(parameters) };
}
