import { sha256 } from '../../core/hashing.js';
import type { BundleParts } from '../bundle.js';
import { goldenArrays, goldenImages } from '../bundle/golden.js';
import { goldenCount } from '../bundle/schema.js';
import { createEmbedder } from '../embedder.js';
import type { ImportOptions, Pooling } from './options.js';
import { readOnnx, type ImportedGraph } from './read.js';
import { checkVectors, outputShape, tryBatch } from './try.js';
import { unsupported } from './unsupported.js';
import { wrapGraph, type BatchMode } from './wrap.js';

/** How many values one picture gives, once its output is pooled. */
function dimensionOf(shape: readonly number[], { outputName, layout }: ImportedGraph, pooling: Pooling): number {
  const shown = `the output "${outputName}" is [${shape.join(', ')}] for one picture`;
  const [batch, ...sides] = shape;
  if (batch !== 1 || sides.length < 1 || sides.length > 3 || shape.includes(0)) {
    throw unsupported(`${shown}, which is no embedding`, 'Name another value: --output NAME.', '--output');
  }
  const last = sides.at(-1) ?? 0;
  if (sides.length === 1) {
    if (pooling === 'none') return last;
    throw unsupported(`${shown}: there is nothing to pool`, 'Leave --pooling away.', '--pooling');
  }
  const channels = sides.length === 2 || layout === 'nhwc' ? last : (sides[0] ?? 0);
  const positions = sides.reduce((product, side) => product * side, 1) / channels;
  if (sides.length === 3 && pooling === 'cls') {
    throw unsupported(`${shown}: a feature map has no first token`, 'Give --pooling mean.', '--pooling');
  }
  if (positions > 1 && pooling === 'none') {
    const advice =
      sides.length === 2 ? '--pooling cls (the first, as for CLIP and DINOv2) or --pooling mean' : '--pooling mean';
    throw unsupported(
      `${shown}: ${positions} vectors of ${channels}`,
      `Say what becomes of them: ${advice}.`,
      '--pooling',
    );
  }
  return channels;
}

/** A uint8 input takes the pixels as they are. */
function checkScale({ inputType }: ImportedGraph, { mean, std }: ImportOptions, file: string): void {
  const raw = mean.every((value) => value === 0) && std.every((value) => Math.abs(255 * value - 1) < 1e-6);
  if (inputType !== 'uint8' || raw) return;
  throw unsupported(`${file} takes uint8 pixels and scales them itself`, 'Give --preset raw.', '--preset');
}

/**
 * Makes a bundle of any ONNX image encoder: kindred's interface is put around its graph, and ONNX Runtime tries it on
 * generated pictures, in a batch and alone.
 * @param bytes of the file
 * @param file as the user gave it, for messages and for the bundle
 * @returns for `writeBundle`
 * @throws KindredError import-unsupported, addon-missing
 */
export async function importEncoder(bytes: Uint8Array, file: string, options: ImportOptions): Promise<BundleParts> {
  const { mean, std, pooling, resize } = options;
  const imported = readOnnx(bytes, file, options);
  const { inputSize, layout, outputName } = imported;
  checkScale(imported, options, file);
  if (resize !== undefined && resize < inputSize) {
    const what = `pictures cannot be resized to ${resize} px and cut to ${inputSize}`;
    throw unsupported(what, 'Leave --resize away, or give more than the input size.', '--resize');
  }
  const shape = await outputShape(wrapGraph(imported, { mean, std, head: null }), inputSize, file);
  const dimension = dimensionOf(shape, imported, pooling);
  const reasons: string[] = [];
  for (const batch of ['whole', 'one by one'] satisfies BatchMode[]) {
    const onnx = wrapGraph(imported, { mean, std, head: { pooling, rank: shape.length, dimension, batch } });
    const trial = await tryBatch(onnx, inputSize, dimension);
    if (!trial.ok) {
      reasons.push(trial.why);
      continue;
    }
    checkVectors(trial.vectors, dimension, file);
    // In the pieces that an embedder makes, which is how they are checked again when the bundle is opened.
    const embedder = await createEmbedder({ onnx, inputSize, dimension, fingerprint: '', threads: 1 });
    try {
      const golden = goldenArrays(await embedder.embedRaw(goldenImages(inputSize), goldenCount), dimension);
      return {
        dimension,
        inputSize,
        onnx,
        golden,
        // The graph takes the pixels as they are: `imported` has what it does with them.
        backbone: { name: 'imported', cut: outputName, scale: { multiply: 1, add: 0 }, source: file },
        loss: null,
        densityTerm: null,
        training: null,
        dataset: null,
        metrics: {},
        imported: {
          file,
          sha256: sha256(bytes),
          layout,
          mean: [...mean],
          std: [...std],
          output: outputName,
          pooling,
          ...(resize !== undefined && { resize }),
          batch,
        },
      };
    } finally {
      await embedder.close();
    }
  }
  throw unsupported(
    `${file} cannot be run on pictures one after the other: ${reasons.join('; ')}`,
    'Export it with a batch dimension that is dynamic, or 1.',
  );
}
