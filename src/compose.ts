import { KindredError } from './core/errors.js';
import { loadBackbone } from './learn/backbones/registry.js';
import { openFrozen } from './learn/reference.js';
import { checkGolden, goldenImages } from './model/bundle/golden.js';
import { goldenCount } from './model/bundle/schema.js';
import { readBundle, type Bundle } from './model/bundle.js';
import { createEmbedder, type OnnxEmbedder } from './model/embedder.js';

export { trainModel } from './learn/train-model.js';

export interface OpenOptions {
  /** Worker threads; default: the cores this process may use. */
  readonly threads?: number | undefined;
}

export interface BundleEmbedder extends OnnxEmbedder {
  readonly bundle: Bundle;
}

const withThreads = (threads: number | undefined): { threads?: number } => (threads === undefined ? {} : { threads });

/**
 * Opens the model in a bundle: hashes checked, and its golden vectors come out as where it was made.
 * @throws KindredError bundle-damaged, bundle-invalid, file-not-found, addon-missing
 */
export async function openEmbedder(bundleFolder: string, options: OpenOptions = {}): Promise<BundleEmbedder> {
  const bundle = await readBundle(bundleFolder);
  const { inputSize, dimension, fingerprint, onnxPath } = bundle;
  const embedder = await createEmbedder({
    onnx: onnxPath,
    inputSize,
    resize: bundle.imported?.resize,
    dimension,
    fingerprint,
    ...withThreads(options.threads),
  });
  try {
    checkGolden(await embedder.embedRaw(goldenImages(inputSize), goldenCount), bundle);
  } catch (error) {
    await embedder.close();
    throw error;
  }
  return Object.assign(embedder, { bundle });
}

export interface UntrainedOptions extends OpenOptions {
  readonly backbone: string;
  readonly backboneFrom?: string | undefined;
  readonly backboneCut?: string | undefined;
  readonly backboneScale?: string | undefined;
  /** px, a multiple of 32 */
  readonly inputSize: number;
}

/** What a trained model is compared with: the backbone as it came, pooled. */
export async function openUntrainedEmbedder(options: UntrainedOptions): Promise<OnnxEmbedder> {
  const backbone = await loadBackbone(options.backbone, {
    from: options.backboneFrom,
    cut: options.backboneCut,
    scale: options.backboneScale,
  });
  return openFrozen(backbone, options.inputSize, options.threads);
}

/** The untrained backbone of a bundle: same network, cut and input size. */
export async function openUntrainedFor(
  bundle: Bundle,
  options: OpenOptions & { backboneFrom?: string | undefined } = {},
): Promise<OnnxEmbedder> {
  const { name, cut, scale } = bundle.backbone;
  const known = await loadBackbone(name, { from: options.backboneFrom, cut, scale: scaleName(scale) });
  return openFrozen(known, bundle.inputSize, options.threads);
}

function scaleName({ multiply, add }: { multiply: number; add: number }): string {
  if (add === -1) return 'minus-one-to-one';
  if (add === 0 && multiply === 1) return 'raw';
  if (add === 0) return 'zero-to-one';
  throw new KindredError('bundle-invalid', 'the bundle has a pixel scale that no backbone has');
}
