import { stat } from 'node:fs/promises';
import { KindredError } from '../core/errors.js';
import type { ReportProgress } from '../core/progress.js';
import { createRandom, shuffled } from '../core/random.js';
import { type Dataset, itemsByLabel } from '../data/dataset.js';
import type { Bundle, BundleParts } from '../model/bundle.js';
import { goldenArrays, goldenImages } from '../model/bundle/golden.js';
import { readBundleNetwork } from '../model/bundle/network.js';
import { goldenCount } from '../model/bundle/schema.js';
import { createEmbedder, type OnnxEmbedder } from '../model/embedder.js';
import type { Network } from '../model/graph.js';
import { calibratedNodes, combineRanges, exportCalibration } from '../model/onnx/quantize-calibrate.js';
import { exportQuantizedEncoder } from '../model/onnx/quantize-graph.js';
import { embedItems } from './embed-items.js';
import { compareSpeed } from './embed-speed.js';
import { evaluateModel } from './evaluate.js';

export interface QuantizeOptions {
  readonly bundle: Bundle;
  /** Ranges are measured on its training pictures, the loss on its validation classes; its test classes stay unseen. */
  readonly dataset: Dataset;
  /** Largest R@1 that may be lost, 0 … 1. */
  readonly maxDrop: number;
  readonly threads: number | undefined;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

/** What one of the two models does on the validation classes. */
export interface Measured {
  readonly recallAt1: number;
  readonly mapAtR: number;
  /** Network alone: decoded pictures in, embeddings out. */
  readonly imagesPerSecond: number;
  readonly bytes: number;
}

export interface QuantizedModel {
  /** For `writeBundle`. */
  readonly parts: BundleParts;
  readonly float: Measured;
  readonly quantized: Measured;
  readonly validationImages: number;
  readonly calibrationImages: number;
}

const calibrationImages = 200;

/** Runs the float network over training pictures and notes what its values span. */
async function calibrate(network: Network, options: QuantizeOptions) {
  const { bundle, dataset, threads, progress, signal } = options;
  const usable = dataset.items.filter(({ split }) => split === 'train');
  const items = shuffled(usable, createRandom('calibration')).slice(0, calibrationImages);
  const nodes = calibratedNodes(network);
  const embedder = await createEmbedder({
    onnx: exportCalibration(network, bundle.backbone.scale),
    inputSize: bundle.inputSize,
    dimension: 2 * nodes.length,
    fingerprint: '',
    ...(threads !== undefined && { threads }),
  });
  try {
    const found = await embedItems({ root: dataset.root, items, embedder, stage: 'calibrating', progress, signal });
    if (found.items.length === 0) {
      throw new KindredError('dataset-empty', `${dataset.folder} has no training picture that can be read`, {
        hint: 'Give the data set that the model was trained on.',
        field: '--data',
      });
    }
    return { ranges: combineRanges(nodes, found.embeddings), images: found.items.length };
  } finally {
    await embedder.close();
  }
}

function lossError(float: number, quantized: number, maxDrop: number): KindredError {
  const percent = (value: number): string => (100 * value).toFixed(2);
  return new KindredError(
    'quantization-loss',
    `with int8 convolutions R@1 falls from ${percent(float)} to ${percent(quantized)} %, by more than ${percent(maxDrop)} points; nothing was written`,
    { hint: 'Keep the float model, or allow more with --max-drop.', field: '--max-drop' },
  );
}

/**
 * Makes an int8 model of a float one: calibrated on training pictures, judged on validation classes.
 * @throws KindredError quantization-loss when R@1 falls by more than `maxDrop`; bundle-invalid for a bundle without its
 * float network; dataset-empty without validation classes; interrupted
 */
export async function quantizeModel(options: QuantizeOptions): Promise<QuantizedModel> {
  const { bundle, dataset, maxDrop, threads, progress, signal } = options;
  const { inputSize, dimension, onnxPath, fingerprint, backbone } = bundle;
  const network = await readBundleNetwork(bundle);
  if (itemsByLabel(dataset.items.filter(({ split }) => split === 'validation')).size === 0) {
    throw new KindredError('dataset-empty', `${dataset.folder} has no validation classes to measure the loss on`, {
      hint: 'Give the data set that the model was trained on.',
      field: '--data',
    });
  }
  const calibration = await calibrate(network, options);
  const onnx = exportQuantizedEncoder(network, backbone.scale, calibration.ranges);
  const open = (model: string | Uint8Array, name: string): Promise<OnnxEmbedder> =>
    createEmbedder({ onnx: model, inputSize, dimension, fingerprint: name, ...(threads !== undefined && { threads }) });
  const before = await open(onnxPath, fingerprint);
  try {
    const after = await open(onnx, 'int8');
    try {
      const measure = async (embedder: OnnxEmbedder, name: string) => {
        const evaluation = await evaluateModel({
          dataset,
          split: 'validation',
          embedder,
          ks: [1],
          name,
          progress,
          signal,
        });
        const { values, mapAtR } = evaluation.metrics;
        return { scores: { recallAt1: values['recall@1'] ?? NaN, mapAtR }, images: evaluation.images };
      };
      const { scores: float, images } = await measure(before, 'float32');
      const { scores: quantized } = await measure(after, 'int8');
      // Written so that NaN is refused, too; the tiny allowance is for what subtracting adds.
      if (!(float.recallAt1 - quantized.recallAt1 <= maxDrop + 1e-9)) {
        throw lossError(float.recallAt1, quantized.recallAt1, maxDrop);
      }
      const [floatSpeed = NaN, quantizedSpeed = NaN] = await compareSpeed([before, after], signal);
      const golden = goldenArrays(await after.embedRaw(goldenImages(inputSize), goldenCount), dimension);
      const floatBytes = (await stat(onnxPath)).size;
      return {
        parts: partsOf(bundle, {
          onnx,
          golden,
          metrics: { 'validation.recall@1': quantized.recallAt1, 'validation.map@r': quantized.mapAtR },
          quantization: {
            from: fingerprint,
            weights: 'int8',
            activations: 'uint8',
            dataset: dataset.name,
            calibrationImages: calibration.images,
            validationImages: images,
            float,
            quantized,
          },
        }),
        float: { ...float, imagesPerSecond: floatSpeed, bytes: floatBytes },
        quantized: { ...quantized, imagesPerSecond: quantizedSpeed, bytes: onnx.byteLength },
        validationImages: images,
        calibrationImages: calibration.images,
      };
    } finally {
      await after.close();
    }
  } finally {
    await before.close();
  }
}

/** What a quantised model has in common with the one it was made of, and what is its own. */
function partsOf(
  { dimension, inputSize, backbone, loss, densityTerm, training, dataset }: Bundle,
  own: Pick<BundleParts, 'onnx' | 'golden' | 'metrics' | 'quantization'>,
): BundleParts {
  return { dimension, inputSize, backbone, loss, densityTerm, training, dataset, ...own };
}
