import { createRequire } from 'node:module';
import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import { pixelScales } from '../../model/layers/read.js';
import type { BackboneLoader } from './backbone.js';
import { backboneFrom, readLayersFiles, type LayersFiles } from './layers-files.js';

/** The package ships a model as scripts: model.json as an object, the weights as base64. */
function readPackage(): LayersFiles {
  const require = createRequire(import.meta.url);
  try {
    const entry = require.resolve('nsfwjs');
    const folder = entry.replace(/dist[\\/]cjs.*$/, 'dist/models/mobilenet_v2/');
    const json: unknown = require(`${folder}model.min.js`);
    const shard: unknown = require(`${folder}group1-shard1of1.min.js`);
    return { json, weights: Buffer.from(z.string().parse(shard), 'base64') };
  } catch (error) {
    throw new KindredError(
      'backbone-missing',
      'the backbone nsfwjs-mobilenet-v2 comes in the npm package nsfwjs, which is not installed',
      {
        hint: 'Run: npm install nsfwjs@4.3.0',
        cause: error,
      },
    );
  }
}

/**
 * MobileNetV2 as shipped by nsfwjs 4.3.0 (MIT). Its last layers only know their own five classes; cut at
 * block_13_expand_relu its features retrieve best. Pixels are scaled to 0 … 1.
 */
export const loadNsfwjs: BackboneLoader = async ({ from, cut }) =>
  backboneFrom(from === undefined ? readPackage() : await readLayersFiles(from), {
    name: 'nsfwjs-mobilenet-v2',
    cut: cut ?? 'block_13_expand_relu',
    scale: pixelScales['zero-to-one'] ?? { multiply: 1 / 255, add: 0 },
    trainFrom: 'block_8_expand',
    source: 'MobileNetV2 from the npm package nsfwjs 4.3.0, MIT licence',
  });
