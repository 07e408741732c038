import { createRegistry } from '../../core/registry.js';

/** How the colours of a picture become the encoder's input: (pixel / 255 − mean) / std, by channel. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const imagenet: Normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** The normalisations that encoders are commonly trained with. */
export const presets = createRegistry<Normalization>('preset', {
  imagenet,
  // CLIP's own statistics (openai/CLIP, clip.py).
  clip: { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] },
  dinov2: imagenet,
  // −1 … 1
  siglip: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  // 0 … 255
  raw: { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] },
});

/** What becomes of an output of several vectors a picture: nothing, the first one, or their mean. */
export const poolings = ['none', 'cls', 'mean'] as const;
export type Pooling = (typeof poolings)[number];
export const layouts = ['nchw', 'nhwc'] as const;
export type Layout = (typeof layouts)[number];

/** What is known of an encoder beside its file. */
export interface ImportOptions extends Normalization {
  /** px; read from the graph where that names it. */
  readonly inputSize?: number | undefined;
  /** px that the shorter side of a picture is resized to before inputSize is cut out; default: inputSize. */
  readonly resize?: number | undefined;
  /** Read from the graph where that names it; else nchw. */
  readonly layout?: Layout | undefined;
  /** The value that the embedding is made of; default: the only output, or the one called as embeddings are. */
  readonly output?: string | undefined;
  readonly pooling: Pooling;
}
