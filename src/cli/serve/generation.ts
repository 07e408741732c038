import { join } from 'node:path';
import type { Embedder } from '../../core/embedder.js';
import { KindredError } from '../../core/errors.js';
import { readJson } from '../../core/files.js';
import type { OpenedIndex } from '../../indexing/index-folder.js';
import type { Calibration } from '../../model/calibration.js';
import { loadCalibration } from '../../search/load-calibration.js';
import type { ServerApp } from '../../server/app.js';
import { describeModel } from '../../server/model-info.js';
import type { ApiModel } from '../../server/schemas/api.js';
import type { OpenEmbedder } from '../commands/index.js';
import { type ForwardingCatalogue, forwarding } from './forwarding.js';

/** One version of an index with its model, opened to be served. */
export interface ServedVersion {
  readonly index: OpenedIndex;
  readonly catalogue: ForwardingCatalogue;
  readonly embedder: Embedder;
  readonly model: ApiModel;
  readonly calibration: Calibration | null;
  /** Ends work in the background when it is no longer served. */
  readonly signal: AbortSignal;
}

export interface Generation extends ServedVersion {
  readonly app: ServerApp;
  /** Closes catalogue and embedder; the lock, where the index has it, stays. */
  close(): Promise<void>;
}

async function readModel(modelFolder: string): Promise<ApiModel> {
  const path = join(modelFolder, 'bundle.json');
  try {
    return describeModel(await readJson(path));
  } catch (error) {
    throw new KindredError('bundle-damaged', `${path} is missing or damaged`, {
      hint: 'Index again: kindred index --model MODEL --data DIR --out INDEX.',
      cause: error,
    });
  }
}

/**
 * Opens the model of a version and makes the app over it. On failure the version stays open: it is the caller's.
 * @throws KindredError bundle-*, model-mismatch, addon-missing
 */
export async function openGeneration(
  index: OpenedIndex,
  open: { readonly embedder: OpenEmbedder; readonly threads: number | undefined },
  compose: (version: ServedVersion) => ServerApp,
): Promise<Generation> {
  const model = await readModel(index.modelFolder);
  const calibration = await loadCalibration(index.modelFolder, index.catalogue.fingerprint);
  const { threads } = open;
  const embedder = await open.embedder(index.modelFolder, threads === undefined ? {} : { threads });
  const stop = new AbortController();
  const version: ServedVersion = {
    index,
    catalogue: forwarding(index.catalogue),
    embedder,
    model,
    calibration,
    signal: stop.signal,
  };
  const close = async (): Promise<void> => {
    stop.abort();
    await embedder.close();
    await index.catalogue.close();
  };
  try {
    return { ...version, app: compose(version), close };
  } catch (error) {
    await embedder.close();
    throw error;
  }
}
