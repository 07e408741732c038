import { z } from 'zod';

/** Pictures that `goldenImages` makes. */
export const goldenCount = 3;

/** Version of the bundle's format. Readers refuse a newer one; added optional fields do not raise it. */
export const formatVersion = 1;

const hash = z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be a lower-case SHA-256' });
const count = z.number().int().min(0);
const settings = z.record(z.string(), z.unknown());
const named = z.object({ name: z.string(), options: settings });

/** How a picture becomes the network's input; part of the fingerprint. */
export const preprocessingSchema = z.object({
  /** Raised when src/data/decode.ts gives other pixels than before. */
  version: z.number().int(),
  orientation: z.string(),
  background: z.string(),
  resize: z.string(),
  crop: z.string(),
  pixels: z.string(),
});
export type Preprocessing = z.infer<typeof preprocessingSchema>;

/** What bundle.json holds. Sections that a model has nothing to say about (an untrained one, say) are null. */
const bundleFields = z.object({
  formatVersion: z.literal(formatVersion),
  /** File name in the bundle → SHA-256 of its bytes. */
  files: z.record(z.string().regex(/^[\w.-]+$/, { error: 'must be a plain file name' }), hash),
  fingerprint: hash,
  dimension: z.number().int().min(1),
  /** Width and height of the network's input, px. */
  inputSize: z.number().int().min(1),
  preprocessing: preprocessingSchema,
  backbone: z.object({
    name: z.string(),
    /** The last layer that is kept. */
    cut: z.string(),
    /** Network input = pixel · multiply + add. */
    scale: z.object({ multiply: z.number(), add: z.number() }),
    /** Where its weights came from. */
    source: z.string(),
  }),
  loss: named.nullable(),
  densityTerm: named.nullable(),
  training: z
    .object({
      steps: count,
      batch: z.object({ classes: count, imagesPerClass: count }),
      learningRates: z.record(z.string(), z.number()),
      seed: z.number().int(),
      /** The first layer that learned, or 'all'. */
      trainFrom: z.string(),
      backend: z.string(),
      /** Fixed views of each picture (`--cache`); absent where every crop was a new one. */
      views: count.optional(),
      /** How batches were drawn, where it was not by class. */
      sampler: z.string().optional(),
      /** Embeddings of earlier batches that the loss saw as well. */
      memory: count.optional(),
      /** On what the step that was kept was chosen: the held-out classes, or on nothing (the last). Never on test. */
      selectedOn: z.enum(['validation', 'last']).optional(),
    })
    .nullable(),
  dataset: z
    .object({
      name: z.string(),
      splitHash: z.string(),
      /** Every class that was in a training batch, by name. */
      trainClasses: z.array(z.string()),
      counts: z.record(z.string(), count),
    })
    .nullable(),
  /** Only in a model with int8 convolutions: what it was made of, and what it lost on the data set's validation classes. */
  quantization: z
    .object({
      /** Fingerprint of the float model. */
      from: hash,
      weights: z.literal('int8'),
      activations: z.literal('uint8'),
      dataset: z.string(),
      /** Pictures that the ranges of the activations were measured on. */
      calibrationImages: count,
      validationImages: count,
      float: z.object({ recallAt1: z.number(), mapAtR: z.number() }),
      quantized: z.object({ recallAt1: z.number(), mapAtR: z.number() }),
    })
    .optional(),
  /** Only in a model that kindred did not train: the ONNX file it was made of, and what was put around its graph. */
  imported: z
    .object({
      file: z.string(),
      sha256: hash,
      layout: z.enum(['nchw', 'nhwc']),
      /** Network input = (pixel / 255 − mean) / std, by channel. */
      mean: z.array(z.number()).length(3),
      std: z.array(z.number()).length(3),
      /** The value of the original graph that the embedding is made of. */
      output: z.string(),
      pooling: z.enum(['none', 'cls', 'mean']),
      /** What a picture's shorter side is resized to before the input is cut out, px; absent: the input size. */
      resize: z.number().int().min(1).optional(),
      /** 'one by one': the original graph takes a single picture, so that batches go through it in a loop. */
      batch: z.enum(['whole', 'one by one']),
    })
    .optional(),
  /** Measured on classes never trained on, e.g. "recall@1"; each in 0 … 1 unless its name says otherwise. */
  metrics: z.record(z.string(), z.number()),
  /** The kindred version that wrote it. */
  kindred: z.string(),
  createdAt: z.iso.datetime(),
  /** The embeddings of `goldenImages(inputSize)`, to find out whether the model gives the same ones here. */
  golden: z.array(z.array(z.number())),
});

export const bundleSchema = bundleFields.refine(
  ({ golden, dimension }) => golden.length === goldenCount && golden.every((one) => one.length === dimension),
  { path: ['golden'], error: `must be ${goldenCount} embeddings of \`dimension\` numbers` },
);
export type BundleInfo = z.infer<typeof bundleSchema>;

/** What every kindred model of this version does to a picture (src/data/decode.ts). */
export const preprocessing: Preprocessing = {
  version: 1,
  orientation: 'EXIF applied',
  background: 'white',
  resize: 'shorter side to the input size, Lanczos 3',
  crop: 'centre square',
  pixels: 'uint8 sRGB, NHWC',
};

/** The same for a model whose pictures are resized to more than its input before that is cut out. */
export function preprocessingWith(resize: number | undefined): Preprocessing {
  return resize === undefined ? preprocessing : { ...preprocessing, resize: `shorter side to ${resize} px, Lanczos 3` };
}
