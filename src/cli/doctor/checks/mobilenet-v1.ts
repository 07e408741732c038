import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../check.js';

/** The ImageNet backbone is downloaded when it is first used. */
export const mobilenetV1Check: Check = {
  name: 'mobilenet-v1',
  area: 'backbone',
  needed: 'one-of',
  run: async () => {
    // On demand: a check's imports must not keep the doctor from starting.
    const { backboneCache } = await import('../../../learn/backbones/mobilenet-v1.js');
    const folder = join(backboneCache(), 'backbones', 'mobilenet-v1');
    if (existsSync(join(folder, 'model.json'))) return { usable: true, detail: `cached in ${folder}` };
    const fix = 'kindred train --backbone mobilenet-v1 downloads it; --backbone-from PATH takes a local copy';
    return { usable: false, detail: 'not downloaded yet', fix };
  },
};
