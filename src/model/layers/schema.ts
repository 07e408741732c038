import { z } from 'zod';

/** The parts of the TF.js layers format that are read; unknown keys pass. */
const weightSchema = z.object({
  name: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  dtype: z.string(),
  quantization: z
    .object({ dtype: z.enum(['uint8', 'uint16', 'float16']), min: z.number().optional(), scale: z.number().optional() })
    .optional(),
});
export type WeightEntry = z.infer<typeof weightSchema>;

const layerSchema = z.object({
  class_name: z.string(),
  name: z.string().optional(),
  config: z.looseObject({ name: z.string() }),
  // Keras 2: [[[layer, node, tensor, {}], …]]
  inbound_nodes: z.array(z.array(z.tuple([z.string(), z.number(), z.number()]).rest(z.unknown()))).optional(),
});
export type LayerEntry = z.infer<typeof layerSchema>;

const modelSchema = z.object({
  class_name: z.enum(['Model', 'Functional', 'Sequential']),
  config: z.union([
    z.looseObject({ layers: z.array(layerSchema), output_layers: z.array(z.unknown()).optional() }),
    z.array(layerSchema),
  ]),
});

export const layersModelSchema = z.object({
  modelTopology: z.union([z.looseObject({ model_config: modelSchema }), modelSchema]),
  weightsManifest: z.array(z.object({ paths: z.array(z.string()), weights: z.array(weightSchema) })),
});
export type LayersModel = z.infer<typeof layersModelSchema>;

export interface Topology {
  readonly sequential: boolean;
  readonly layers: readonly LayerEntry[];
}

export function topologyOf(model: LayersModel): Topology {
  const inner = 'model_config' in model.modelTopology ? model.modelTopology.model_config : model.modelTopology;
  const parsed = modelSchema.parse(inner);
  const layers = Array.isArray(parsed.config) ? parsed.config : parsed.config.layers;
  return { sequential: parsed.class_name === 'Sequential', layers };
}

const pair = z.union([
  z.tuple([z.number(), z.number()]),
  z.number().transform((side): [number, number] => [side, side]),
]);
const optionalName = z.string().nullish();

export const convolutionConfig = z.looseObject({
  strides: pair.default([1, 1]),
  padding: z.enum(['same', 'valid']).default('valid'),
  dilation_rate: pair.default([1, 1]),
  groups: z.number().default(1),
  data_format: z.enum(['channels_last']).nullish(),
  activation: optionalName,
  use_bias: z.boolean().default(true),
});
export const batchNormConfig = z.looseObject({ epsilon: z.number().default(1e-3) });
export const activationConfig = z.looseObject({ activation: z.string() });
export const reluConfig = z.looseObject({
  max_value: z.number().nullish(),
  negative_slope: z.union([z.number(), z.array(z.number())]).nullish(),
  threshold: z.number().nullish(),
});
export const padConfig = z.looseObject({
  padding: z.union([
    z.tuple([pair, pair]),
    z.number().transform((side): [[number, number], [number, number]] => [
      [side, side],
      [side, side],
    ]),
  ]),
});
export const poolConfig = z.looseObject({
  pool_size: pair.default([2, 2]),
  strides: pair.nullish(),
  padding: z.enum(['same', 'valid']).default('valid'),
});
export const concatConfig = z.looseObject({ axis: z.number().default(-1) });
export const denseConfig = z.looseObject({ activation: optionalName, use_bias: z.boolean().default(true) });
