import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KindredError } from '../../core/errors.js';
import { readJson } from '../../core/files.js';
import { createRegistry } from '../../core/registry.js';
import type { PixelScale } from '../../model/graph.js';
import { pixelScales, readLayersModel } from '../../model/layers/read.js';
import { layersModelSchema } from '../../model/layers/schema.js';
import { inferShapes } from '../../model/shapes.js';
import type { Backbone, BackboneOptions } from './backbone.js';

/** model.json of a layers model and the bytes of its weights, all shards in a row. */
export interface LayersFiles {
  readonly json: unknown;
  readonly weights: Uint8Array;
}

/**
 * Reads a TF.js layers model from a folder that holds model.json, or from that file.
 * @throws KindredError backbone-missing, backbone-unsupported
 */
export async function readLayersFiles(path: string): Promise<LayersFiles> {
  const found = await stat(path).catch(() => undefined);
  if (!found) {
    throw new KindredError('backbone-missing', `there is no backbone at ${path}`, {
      hint: 'Give the folder of a TF.js layers model (model.json and its weights), or a known backbone name.',
      field: '--backbone',
    });
  }
  const file = found.isDirectory() ? join(path, 'model.json') : path;
  const json = await readJson(file);
  const parsed = layersModelSchema.safeParse(json);
  const paths = parsed.success ? parsed.data.weightsManifest.flatMap((group) => group.paths) : [];
  const shards = await Promise.all(
    paths.map((name) =>
      readFile(join(dirname(file), name)).catch((cause: unknown) => {
        throw new KindredError('backbone-missing', `${file} names the weights ${name}, which cannot be read`, {
          cause,
        });
      }),
    ),
  );
  return { json, weights: Buffer.concat(shards) };
}

const scales = createRegistry<PixelScale>('pixel scale', pixelScales);

export interface BackboneDescription {
  readonly name: string;
  readonly cut: string;
  readonly scale: PixelScale;
  readonly trainFrom: string | undefined;
  readonly source: string;
}

export function backboneFrom(files: LayersFiles, description: BackboneDescription): Backbone {
  return {
    ...description,
    network(inputSize) {
      if (inputSize % 32 !== 0) {
        throw new KindredError('input-size-unsupported', `--input-size ${inputSize} is not a multiple of 32`, {
          hint: `Use ${Math.max(32, Math.round(inputSize / 32) * 32)}: other sizes are padded differently by Keras and ONNX.`,
          field: '--input-size',
        });
      }
      const network = readLayersModel(files.json, files.weights, { inputSize, cut: description.cut });
      if (inferShapes(network).get(network.output)?.length !== 3) {
        throw new KindredError(
          'backbone-unsupported',
          `the backbone's output at ${description.cut} is no feature map`,
          {
            hint: 'Cut it before its pooling with --backbone-cut LAYER.',
            field: '--backbone-cut',
          },
        );
      }
      return network;
    },
  };
}

/** A backbone from any TF.js layers model; the cut and the scale are the user's to give. */
export async function loadPathBackbone(path: string, options: BackboneOptions): Promise<Backbone> {
  const files = await readLayersFiles(path);
  if (options.scale === undefined) {
    throw new KindredError('invalid-option', `--backbone ${path} needs --backbone-scale: how it takes its pixels`, {
      hint: `One of ${scales.names.join(', ')}; Keras' MobileNets take minus-one-to-one.`,
      field: '--backbone-scale',
    });
  }
  const cut = options.cut ?? readLayersModel(files.json, files.weights, { inputSize: 224 }).output;
  return backboneFrom(files, {
    name: path,
    cut,
    scale: scales.get(options.scale),
    trainFrom: undefined,
    source: `a TF.js layers model given by its path`,
  });
}
