import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../check.js';
import { packageFolder } from '../../../core/packages.js';

/** The default backbone comes inside an npm package. */
export const nsfwjsCheck: Check = {
  name: 'nsfwjs-mobilenet-v2',
  area: 'backbone',
  needed: 'one-of',
  run: () => {
    const folder = packageFolder('nsfwjs');
    // 4.4 names one exact Node version.
    const fix = 'npm install nsfwjs@4.3.0';
    if (folder === undefined) return Promise.resolve({ usable: false, detail: 'not installed: nsfwjs', fix });
    const weights = join(folder, 'dist', 'models', 'mobilenet_v2');
    if (!existsSync(weights)) return Promise.resolve({ usable: false, detail: `no network in ${weights}`, fix });
    return Promise.resolve({ usable: true, detail: `in ${folder}` });
  },
};
