import { createRegistry } from '../../core/registry.js';
import type { Backbone, BackboneLoader, BackboneOptions } from './backbone.js';
import { loadPathBackbone } from './layers-files.js';
import { loadMobilenetV1 } from './mobilenet-v1.js';
import { loadNsfwjs } from './nsfwjs.js';

export const backbones = createRegistry<BackboneLoader>('backbone', {
  'nsfwjs-mobilenet-v2': loadNsfwjs,
  'mobilenet-v1': loadMobilenetV1,
});

/** A backbone by its name, or by the path of a TF.js layers model (anything with a '/', '\' or '.json'). */
export async function loadBackbone(name: string, options: BackboneOptions = {}): Promise<Backbone> {
  if (!backbones.names.includes(name) && /[\\/]|\.json$/.test(name)) return loadPathBackbone(name, options);
  return backbones.get(name)(options);
}
