import { join } from 'node:path';
import { z } from 'zod';
import { cacheFolder } from '../../core/cache-folder.js';
import { KindredError } from '../../core/errors.js';
import { exists, readJson, writeFolderAtomic, writeFileAtomic } from '../../core/files.js';
import { sha256 } from '../../core/hashing.js';
import { pixelScales, readLayersModel } from '../../model/layers/read.js';
import type { BackboneLoader } from './backbone.js';
import { backboneFrom, readLayersFiles, type LayersFiles } from './layers-files.js';

const address = 'https://storage.googleapis.com/tfjs-models/tfjs/mobilenet_v1_1.0_224/';
const cutLayer = 'conv_pw_12_relu';

/** Over every folded weight up to the cut, in order: the same for the whole model and for a copy cut there. */
const checksum = 'cf0c6a3166230056';

/** The checksum of a MobileNetV1's weights up to the cut. */
export function mobilenetChecksum(files: LayersFiles): string {
  const { parameters } = readLayersModel(files.json, files.weights, { inputSize: 224, cut: cutLayer });
  const parts = [...parameters].flatMap(([name, { data }]) => [
    name,
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
  return sha256(...parts).slice(0, 16);
}

const manifest = z.looseObject({ weightsManifest: z.array(z.object({ paths: z.array(z.string()) })) });

export function backboneCache(): string {
  return cacheFolder();
}

async function download(folder: string): Promise<void> {
  const get = async (name: string): Promise<Uint8Array> => {
    const response = await fetch(address + name, { signal: AbortSignal.timeout(120_000) });
    if (!response.ok) throw new Error(`${address}${name} answered ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
  await writeFolderAtomic(folder, async (temporary) => {
    const json = await get('model.json');
    await writeFileAtomic(join(temporary, 'model.json'), json);
    const parsed = manifest.parse(await readJson(join(temporary, 'model.json')));
    for (const path of parsed.weightsManifest.flatMap((group) => group.paths)) {
      await writeFileAtomic(join(temporary, path), await get(path));
    }
  });
}

async function cached(): Promise<LayersFiles> {
  const folder = join(backboneCache(), 'backbones', 'mobilenet-v1');
  if (!(await exists(join(folder, 'model.json')))) {
    await download(folder).catch((cause: unknown) => {
      throw new KindredError('backbone-missing', `the backbone mobilenet-v1 could not be downloaded from ${address}`, {
        hint: 'Download model.json and its shards elsewhere and give their folder with --backbone-from, or use --backbone nsfwjs-mobilenet-v2.',
        cause,
      });
    });
  }
  return readLayersFiles(folder);
}

/** ImageNet MobileNetV1 1.0 224 (Apache-2.0) from its public TF.js address. Pixels are scaled to −1 … 1. */
export const loadMobilenetV1: BackboneLoader = async ({ from, cut }) => {
  const files = from === undefined ? await cached() : await readLayersFiles(from);
  const found = mobilenetChecksum(files);
  if (found !== checksum) {
    throw new KindredError(
      'backbone-unsupported',
      `this is not MobileNetV1 1.0 224: its weights have the checksum ${found}, not ${checksum}`,
      {
        hint: 'Give a network of your own with --backbone PATH, --backbone-cut and --backbone-scale.',
        field: '--backbone-from',
      },
    );
  }
  return backboneFrom(files, {
    name: 'mobilenet-v1',
    cut: cut ?? cutLayer,
    scale: pixelScales['minus-one-to-one'] ?? { multiply: 1 / 127.5, add: -1 },
    trainFrom: 'conv_dw_6',
    source: 'MobileNetV1 1.0 224 trained on ImageNet, TF.js models, Apache-2.0 licence',
  });
};
