import { KindredError } from '../core/errors.js';
import type { ReportProgress } from '../core/progress.js';
import { fingerprintOf } from '../model/bundle/fingerprint.js';
import { preprocessing } from '../model/bundle/schema.js';
import { createEmbedder, type OnnxEmbedder } from '../model/embedder.js';
import { exportEncoder } from '../model/onnx/export.js';
import { inferShapes } from '../model/shapes.js';
import type { Backbone } from './backbones/backbone.js';
import { withPooling } from './head.js';

/** The backbone as it came: its features averaged over all positions, at full width and unit length. */
export function openFrozen(backbone: Backbone, inputSize: number, threads: number | undefined): Promise<OnnxEmbedder> {
  const network = withPooling(backbone.network(inputSize));
  const onnx = exportEncoder(network, backbone.scale);
  const dimension = inferShapes(network).get(network.output)?.[0] ?? 0;
  const fingerprint = fingerprintOf({ onnx, preprocessing, dimension });
  return createEmbedder({ onnx, inputSize, dimension, fingerprint, ...(threads !== undefined && { threads }) });
}

/** What the frozen pretrained network makes of each picture: what some density terms hold the embedding against. */
export interface ReferenceFeatures {
  /** Unit-length features of the pictures with these ids, one row each. */
  of(ids: readonly string[]): Float32Array;
}

export interface ReferenceOptions {
  readonly backbone: Backbone;
  /** px */
  readonly inputSize: number;
  readonly threads?: number | undefined;
  /** Ids, and absolute paths. */
  readonly pictures: readonly { readonly id: string; readonly path: string }[];
  readonly progress?: ReportProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs every picture once, centre-cropped, through the frozen backbone: a class's reference density then depends neither
 * on the step nor on the augmentation, and several runs can share the table. It takes 4 KiB a picture at 1024 features.
 * @throws KindredError interrupted, and a picture's own (image-…)
 */
export async function createReference(options: ReferenceOptions): Promise<ReferenceFeatures> {
  const { pictures, progress, signal } = options;
  const embedder = await openFrozen(options.backbone, options.inputSize, options.threads);
  const features = new Map<string, Float32Array>();
  try {
    for (let start = 0; start < pictures.length; start += embedder.preferredBatch) {
      if (signal?.aborted) {
        throw new KindredError('interrupted', 'stopped before the first step', { hint: 'Run the same command again.' });
      }
      const chunk = pictures.slice(start, start + embedder.preferredBatch);
      const outcomes = await embedder.embed(chunk.map(({ path }) => ({ image: { path } })));
      outcomes.forEach((outcome, i) => {
        if (!outcome.ok) throw outcome.error;
        features.set(chunk[i]?.id ?? '', outcome.embedding);
      });
      progress?.({ stage: 'frozen features', done: start + chunk.length, total: pictures.length, unit: 'images' });
    }
  } finally {
    await embedder.close();
  }
  return {
    of(ids) {
      const rows = new Float32Array(ids.length * embedder.dimension);
      ids.forEach((id, i) => {
        const row = features.get(id);
        if (!row) throw new KindredError('internal', `there are no frozen features of picture ${id}`);
        rows.set(row, i * embedder.dimension);
      });
      return rows;
    },
  };
}
