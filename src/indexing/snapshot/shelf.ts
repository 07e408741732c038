import { join, resolve } from 'node:path';
import { KindredError } from '../../core/errors.js';
import { exists, listFolder } from '../../core/files.js';
import { silent } from '../../core/progress.js';
import { createSnapshot } from './create.js';
import { type Manifest, readManifest } from './manifest.js';

/** What a snapshot is of, without the list of its files. */
export function summarise({ files, ...rest }: Manifest) {
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  return { ...rest, files: Object.keys(files).length, bytes };
}
export type SnapshotSummary = ReturnType<typeof summarise> & { readonly name: string };

/** A folder of snapshots of one index, each in a folder of its name. */
export function openShelf(index: string, folder: string, signal: AbortSignal) {
  const root = resolve(folder);
  return {
    /** @param name a plain name @throws KindredError snapshot-exists, and as createSnapshot does */
    async create(name: string): Promise<SnapshotSummary> {
      const path = join(root, name);
      if (await exists(path)) {
        throw new KindredError('snapshot-exists', `there is a snapshot "${name}" already`, { field: 'name' });
      }
      return { name, ...summarise(await createSnapshot(index, path, { progress: silent, signal })) };
    },
    /** Newest first; what is no snapshot, or a damaged one, is left out. */
    async list(): Promise<SnapshotSummary[]> {
      const names = (await listFolder(root)).filter((name) => !name.startsWith('.'));
      const found = await Promise.all(
        names.map(async (name) => {
          const manifest = await readManifest(join(root, name)).catch(() => undefined);
          return manifest === undefined ? [] : [{ name, ...summarise(manifest) }];
        }),
      );
      return found.flat().sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
    },
  };
}
