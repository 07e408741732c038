import { loadBackbone } from '../../learn/backbones/registry.js';
import { withHead } from '../../learn/head.js';
import { goldenArrays, goldenImages } from '../../model/bundle/golden.js';
import { goldenCount } from '../../model/bundle/schema.js';
import { type Bundle, writeBundle } from '../../model/bundle.js';
import { createEmbedder } from '../../model/embedder.js';
import { writeLayersModel } from '../../model/layers/write.js';
import { exportEncoder } from '../../model/onnx/export.js';

export interface UntrainedModelOptions {
  /** undefined: kindred train's default. */
  readonly backbone?: string | undefined;
  readonly backboneFrom?: string | undefined;
  readonly inputSize: number;
}

/** As kindred train's defaults. */
const dimension = 128;
const defaultBackbone = 'nsfwjs-mobilenet-v2';

/** A bundle of an untrained network: as fast as a trained one, and nothing needs to be trained first. */
export async function makeUntrainedModel(folder: string, options: UntrainedModelOptions): Promise<Bundle> {
  const { inputSize } = options;
  const backbone = await loadBackbone(options.backbone ?? defaultBackbone, { from: options.backboneFrom });
  const network = withHead(backbone.network(inputSize), dimension, 0);
  const onnx = exportEncoder(network, backbone.scale);
  const embedder = await createEmbedder({ onnx, inputSize, dimension, fingerprint: '', threads: 1 });
  try {
    const golden = goldenArrays(await embedder.embedRaw(goldenImages(inputSize), goldenCount), dimension);
    const { name, cut, scale, source } = backbone;
    const nothing = { loss: null, densityTerm: null, training: null, dataset: null, metrics: {} } as const;
    return await writeBundle(folder, {
      onnx,
      layers: writeLayersModel(network),
      inputSize,
      dimension,
      golden,
      backbone: { name, cut, scale, source },
      ...nothing,
    });
  } finally {
    await embedder.close();
  }
}
