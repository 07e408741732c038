import { join } from 'node:path';
import { z } from 'zod';
import { KindredError } from '../../core/errors.js';
import { exists, readJson } from '../../core/files.js';
import { sha256 } from '../../core/hashing.js';
import { version } from '../../core/version.js';

/** Version of a snapshot's format; a newer one is refused. */
export const snapshotFormat = 1;
export const manifestFile = 'manifest.json';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().min(0);

/** Names in the manifest are joined to folders: nothing that could lead out of them is one. */
export const fileName = z
  .string()
  .regex(/^(catalogue\.db|(model|blobs)(\/[A-Za-z0-9_-][\w.-]*)+)$/, { error: 'must be a plain name in the snapshot' });

const manifestFields = z.object({
  format: z.literal(snapshotFormat),
  kindred: z.string(),
  createdAt: z.iso.datetime(),
  /** Format of catalogue.db's tables. */
  catalogueFormat: count,
  fingerprint: z.string(),
  dimension: z.number().int().min(1),
  items: count,
  /** The last change that is in it. */
  changeNumber: count,
  files: z.record(fileName, z.object({ sha256: hash, bytes: count })),
  /** Stored pictures that items refer to and the index no longer had. */
  missing: z.array(z.string()),
});
/** What manifest.json holds: what the snapshot is of, and what every file of it must be. */
export type Manifest = z.infer<typeof manifestFields>;

const sealedSchema = manifestFields.extend({
  /** Of the rest of this document. */
  seal: hash,
});

function sealOf(manifest: Manifest): string {
  const parts = manifestFields.keyof().options.map((key) => manifest[key]);
  return sha256(JSON.stringify(parts));
}

export function formatManifest(manifest: Manifest): string {
  return `${JSON.stringify({ ...manifest, seal: sealOf(manifest) }, undefined, 2)}\n`;
}

export function snapshotDamaged(path: string, what: string, cause?: unknown): KindredError {
  return new KindredError('snapshot-damaged', `${path} ${what}`, {
    hint: 'Use another snapshot; nothing was changed.',
    cause,
  });
}

/**
 * Reads a snapshot's manifest, which vouches for itself.
 * @throws KindredError file-not-found, snapshot-damaged, index-too-new naming the version that reads it
 */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, manifestFile);
  if (!(await exists(path))) {
    throw new KindredError('file-not-found', `there is no snapshot in ${folder}: it has no ${manifestFile}`, {
      hint: 'Name a folder that kindred snapshot create wrote.',
    });
  }
  const json = await readJson(path).catch((error: unknown) => {
    throw snapshotDamaged(path, 'cannot be read', error);
  });
  const parsed = sealedSchema.safeParse(json);
  if (!parsed.success) {
    refuseNewer(path, json);
    const [issue] = parsed.error.issues;
    throw snapshotDamaged(path, `is damaged: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`, parsed.error);
  }
  const { seal, ...manifest } = parsed.data;
  if (seal !== sealOf(manifest)) throw snapshotDamaged(path, 'was changed since it was written');
  return manifest;
}

function refuseNewer(path: string, json: unknown): void {
  const newer = z.object({ format: z.number().int().gt(snapshotFormat), kindred: z.string() }).safeParse(json);
  if (!newer.success) return;
  const { format, kindred } = newer.data;
  throw new KindredError(
    'index-too-new',
    `${path} has format ${format}; this kindred (${version}) reads up to ${snapshotFormat}`,
    { hint: `Update kindred to ${kindred} or newer.` },
  );
}
