import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Check } from '../check.js';

/** Where a download is kept. */
function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kindred', 'mobilenet-v1');
}

/** The ImageNet backbone is downloaded when it is first used. */
export function mobilenetV1Check(folder = cacheFolder()): Check {
  return {
    name: 'mobilenet-v1',
    area: 'backbone',
    needed: 'one-of',
    run: () =>
      Promise.resolve(
        existsSync(join(folder, 'model.json'))
          ? { usable: true, detail: `cached in ${folder}` }
          : {
              usable: false,
              detail: 'not downloaded yet',
              fix: 'kindred train --backbone mobilenet-v1 fetches it; --backbone-from PATH takes a local copy',
            },
      ),
  };
}
