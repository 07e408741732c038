import { access, constants, statfs } from 'node:fs/promises';
import type { Check } from '../check.js';
import { gibibytes } from '../units.js';

/** The emoji catalogue, a checkpoint, a bundle and an index. */
const neededBytes = 2 ** 30 / 2;

/** Space and permission where commands write unless told otherwise. */
export function diskCheck(folder: string): Check {
  return {
    name: 'disk',
    area: 'machine',
    needed: 'always',
    run: async () => {
      const { bavail, bsize } = await statfs(folder);
      const free = bavail * bsize;
      const writable = await access(folder, constants.W_OK).then(
        () => true,
        () => false,
      );
      if (!writable) {
        return { usable: false, detail: `${folder} is not writable`, fix: 'run kindred in a folder you may write to' };
      }
      const detail = `${gibibytes(free)} free in ${folder}`;
      if (free >= neededBytes) return { usable: true, detail };
      return { usable: false, detail, fix: `the demo takes ${gibibytes(neededBytes)}: free some, or run it elsewhere` };
    },
  };
}
