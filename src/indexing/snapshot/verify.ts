import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isSystemError, KindredError } from '../../core/errors.js';
import { exists } from '../../core/files.js';
import { sha256File } from '../../core/hashing.js';
import { checkCatalogue } from '../embedded/check.js';
import type { CatalogueFacts } from '../embedded/check-protocol.js';
import { databaseFile } from '../embedded/format.js';
import type { WorkOptions } from '../vectors.js';
import { type Manifest, readManifest, snapshotDamaged } from './manifest.js';

async function checkFile(folder: string, name: string, wanted: Manifest['files'][string]): Promise<void> {
  const path = join(folder, name);
  try {
    const { size } = await stat(path);
    if (size !== wanted.bytes) throw snapshotDamaged(path, `has ${size} bytes, not the ${wanted.bytes} written`);
    if ((await sha256File(path)) !== wanted.sha256) throw snapshotDamaged(path, 'was changed since it was written');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) throw snapshotDamaged(path, 'is missing', error);
    if (isSystemError(error)) throw snapshotDamaged(path, `cannot be read: ${error.message}`, error);
    throw error;
  }
}

function checkAgainst(folder: string, manifest: Manifest, facts: CatalogueFacts): void {
  for (const key of ['fingerprint', 'dimension', 'items', 'changeNumber'] as const) {
    if (facts[key] === manifest[key]) continue;
    throw snapshotDamaged(folder, `says ${key} ${manifest[key]}, its catalogue says ${facts[key]}`);
  }
}

/**
 * Reads a snapshot to its last byte: every file against its checksum, the catalogue's pages, and every row.
 * @throws KindredError snapshot-damaged naming the file or item, file-not-found, index-too-new, interrupted
 */
export async function verifySnapshot(folder: string, { progress, signal }: WorkOptions): Promise<Manifest> {
  const root = resolve(folder);
  const manifest = await readManifest(root);
  const files = Object.entries(manifest.files);
  if (manifest.files[databaseFile] === undefined) throw snapshotDamaged(root, `lists no ${databaseFile}`);
  for (const [at, [name, wanted]] of files.entries()) {
    if (signal.aborted) throw new KindredError('interrupted', 'stopped; not all of the snapshot was read');
    await checkFile(root, name, wanted);
    progress({ stage: 'verifying', done: at + 1, total: files.length, unit: 'files' });
  }
  const facts = await checkCatalogue(join(root, databaseFile)).catch((error: unknown) => {
    if (!(error instanceof KindredError) || error.code !== 'index-damaged') throw error;
    throw snapshotDamaged(root, `is damaged: ${error.message}`, error);
  });
  checkAgainst(root, manifest, facts);
  return manifest;
}

/** True for a folder that is a snapshot, whatever its state. */
export function isSnapshot(folder: string): Promise<boolean> {
  return exists(join(folder, 'manifest.json'));
}
