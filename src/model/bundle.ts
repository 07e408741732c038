import { readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { isSystemError, KindredError } from '../core/errors.js';
import { exists, listFolder, readJson, writeFolderAtomic } from '../core/files.js';
import { sha256 } from '../core/hashing.js';
import { isIntact, seal } from '../core/sealed.js';
import { version } from '../core/version.js';
import { fingerprintOf } from './bundle/fingerprint.js';
import { type BundleInfo, bundleSchema, formatVersion, preprocessingWith } from './bundle/schema.js';

export const bundleFiles = {
  info: 'bundle.json',
  onnx: 'model.onnx',
  layers: 'model.json',
  weights: 'weights.bin',
} as const;

/** A model bundle on disk, checked. */
export interface Bundle extends BundleInfo {
  /** Absolute. */
  readonly folder: string;
  readonly onnxPath: string;
}

/** What only the maker of a model knows; hashes, fingerprint, version and date are added. */
export interface BundleParts extends Omit<
  BundleInfo,
  'formatVersion' | 'files' | 'fingerprint' | 'preprocessing' | 'kindred' | 'createdAt'
> {
  readonly onnx: Uint8Array;
  /** The TF.js layers model: model.json and weights.bin. */
  readonly layers?: { readonly json: string; readonly weights: Uint8Array };
  /** Further files by name, e.g. history.jsonl; hashed like the others. */
  readonly extra?: Readonly<Record<string, string | Uint8Array>>;
}

const remake = 'Copy the bundle again from where it was made, or make it again with kindred train.';

/**
 * Replacing a folder deletes what it held, so one that is no bundle is left alone.
 * @throws KindredError output-exists
 */
export async function checkReplaceable(folder: string): Promise<void> {
  const names = await listFolder(folder).catch((error: unknown) => {
    throw isSystemError(error, 'ENOTDIR') ? occupied(folder, 'is a file') : error;
  });
  if (names.length > 0 && !names.includes(bundleFiles.info)) throw occupied(folder, 'holds files of something else');
}

function occupied(folder: string, what: string): KindredError {
  return new KindredError('output-exists', `${folder} ${what}, so no model is written there`, {
    hint: 'Choose a new folder, or an older model bundle to replace.',
  });
}

/**
 * Writes a bundle, all or nothing; an older bundle in its place is replaced.
 * @throws KindredError output-exists when the folder holds something else; bundle-invalid when the parts do not fit
 * together; disk-full, folder-not-writable
 */
export async function writeBundle(folder: string, parts: BundleParts): Promise<Bundle> {
  const { onnx, layers, extra, ...rest } = parts;
  await checkReplaceable(folder);
  const contents: Record<string, string | Uint8Array> = { ...extra, [bundleFiles.onnx]: onnx };
  if (layers) Object.assign(contents, { [bundleFiles.layers]: layers.json, [bundleFiles.weights]: layers.weights });
  const prepared = preprocessingWith(parts.imported?.resize);
  const info = parseInfo(folder, {
    formatVersion,
    kindred: version,
    createdAt: new Date().toISOString(),
    fingerprint: fingerprintOf({ onnx, preprocessing: prepared, dimension: parts.dimension }),
    preprocessing: prepared,
    ...rest,
    files: Object.fromEntries(Object.entries(contents).map(([name, content]) => [name, sha256(content)])),
  });
  await writeFolderAtomic(folder, async (temporary) => {
    for (const [name, content] of Object.entries(contents)) await writeFile(join(temporary, name), content);
    await writeFile(join(temporary, bundleFiles.info), `${JSON.stringify(seal(info), undefined, 2)}\n`);
  });
  return toBundle(folder, info);
}

/**
 * Reads a bundle and checks every file against its hash.
 * @throws KindredError file-not-found; bundle-invalid when it is no bundle, or of a newer kindred; bundle-damaged naming
 * the file that is missing or was changed
 */
export async function readBundle(folder: string): Promise<Bundle> {
  const json = await readInfo(folder);
  const info = parseInfo(folder, json);
  if (!isIntact(json)) throw damaged(folder, bundleFiles.info, 'was changed since the bundle was written');
  const hashed = new Map<string, Uint8Array>();
  for (const [name, expected] of Object.entries(info.files)) {
    const bytes = await readFile(join(folder, name)).catch((error: unknown) => {
      const missing = isSystemError(error, 'ENOENT');
      throw damaged(folder, name, missing ? 'is missing' : 'cannot be read', error);
    });
    if (sha256(bytes) !== expected) throw damaged(folder, name, 'was changed since the bundle was written');
    hashed.set(name, bytes);
  }
  const onnx = hashed.get(bundleFiles.onnx);
  if (!onnx) throw damaged(folder, bundleFiles.onnx, `is not among the files of ${bundleFiles.info}`);
  if (fingerprintOf({ ...info, onnx }) !== info.fingerprint) {
    throw damaged(folder, bundleFiles.info, 'was changed since the bundle was written');
  }
  return toBundle(folder, info);
}

function toBundle(folder: string, info: BundleInfo): Bundle {
  return { ...info, folder: resolve(folder), onnxPath: resolve(folder, bundleFiles.onnx) };
}

function damaged(folder: string, name: string, what: string, cause?: unknown): KindredError {
  return new KindredError('bundle-damaged', `${join(folder, name)} ${what}`, { hint: remake, cause });
}

async function readInfo(folder: string): Promise<unknown> {
  const path = join(folder, bundleFiles.info);
  if (!(await exists(folder))) {
    throw new KindredError('file-not-found', `there is no model bundle ${folder}`, {
      hint: 'Train one with kindred train --data DIR --out MODEL.',
    });
  }
  if (!(await exists(path))) {
    const isFolder = (await stat(folder)).isDirectory();
    throw new KindredError(
      'bundle-invalid',
      `${folder} is no model bundle: ${isFolder ? `it has no ${bundleFiles.info}` : 'it is a file'}`,
      {
        hint: 'Give the folder that kindred train wrote with --out.',
      },
    );
  }
  try {
    return await readJson(path);
  } catch (error) {
    throw damaged(folder, bundleFiles.info, 'cannot be read', error);
  }
}

const formatOnly = z.object({ formatVersion: z.number().int() });

/** @throws KindredError bundle-invalid naming the first field that is wrong */
function parseInfo(folder: string, value: unknown): BundleInfo {
  const format = formatOnly.safeParse(value);
  if (format.success && format.data.formatVersion > formatVersion) {
    throw new KindredError(
      'bundle-invalid',
      `${folder} has format ${format.data.formatVersion}; this kindred (${version}) reads up to ${formatVersion}`,
      { hint: 'Use the kindred that made it, or a newer one.' },
    );
  }
  const parsed = bundleSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join('.');
  const bad = issue === undefined ? 'not valid' : where ? `${where}: ${issue.message}` : issue.message;
  throw new KindredError('bundle-invalid', `${join(folder, bundleFiles.info)}: ${bad}`, {
    hint: remake,
    cause: parsed.error,
  });
}
