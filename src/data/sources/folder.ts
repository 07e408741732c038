import { basename } from 'node:path';
import { KindredError } from '../../core/errors.js';
import { imagesLookedFor, nothingFound, scanImages } from '../scan.js';
import type { DatasetSource } from '../source.js';

/** One folder a class. Deeper folders belong to the first one's class, as in other tools; loose files have none. */
export const folderSource: DatasetSource = {
  summary: 'your own photos: one folder a class',
  from: { what: 'a folder with one folder a class', required: true },
  async gather({ from }) {
    if (from === undefined) throw new KindredError('invalid-option', '--from is missing', { field: '--from' });
    const scan = await scanImages(from);
    if (scan.images.length === 0) {
      const others = scan.otherFiles + scan.skipped.length;
      const found = others === 0 ? '' : ` Found ${others} other file${others === 1 ? '' : 's'}.`;
      throw nothingFound(from, `${imagesLookedFor}.${found}`.replace(/\.$/, ''));
    }
    const items = scan.images.map((path) => {
      const [first = '', ...rest] = path.split('/');
      return { id: path, path, label: rest.length === 0 ? null : first, metadata: {} };
    });
    return { name: basename(from), root: from, items, skipped: scan.skipped };
  },
};
