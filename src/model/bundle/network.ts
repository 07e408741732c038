import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KindredError } from '../../core/errors.js';
import { readJson } from '../../core/files.js';
import { type Bundle, bundleFiles } from '../bundle.js';
import type { Network } from '../graph.js';
import { readLayersModel } from '../layers/read.js';

/**
 * The float network of a bundle, up to the embedding before L2 normalisation, from its TF.js layers model.
 * @param inputSize px; another size than the bundle's gives the same layers for other pictures
 * @throws KindredError bundle-invalid when the bundle has no layers model, as a quantised one
 */
export async function readBundleNetwork(bundle: Bundle, inputSize = bundle.inputSize): Promise<Network> {
  if (!(bundleFiles.layers in bundle.files)) {
    const why = bundle.quantization ? 'it is quantised already' : `it holds no ${bundleFiles.layers}`;
    throw new KindredError('bundle-invalid', `the network in ${bundle.folder} cannot be read: ${why}`, {
      hint: 'Give the bundle that kindred train wrote.',
    });
  }
  const json = await readJson(join(bundle.folder, bundleFiles.layers));
  return readLayersModel(json, await readFile(join(bundle.folder, bundleFiles.weights)), { inputSize });
}
