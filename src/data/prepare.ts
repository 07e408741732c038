import { readdir } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { isSystemError, KindredError } from '../core/errors.js';
import { writeFolderAtomic } from '../core/files.js';
import type { ReportProgress } from '../core/progress.js';
import { itemsFile, loadManifest, manifestFile, writeDataset } from './dataset-folder.js';
import type { DatasetManifest } from './dataset-schema.js';
import { examineImages, reasonWithoutName } from './examine.js';
import type { DatasetSource, Gathered, Skipped } from './source.js';
import { assignSplits, type LeftOut, type SplitMethod, type UnsplitItem } from './split.js';

export interface PrepareOptions {
  readonly source: DatasetSource;
  /** The source's name, kept in dataset.json. */
  readonly sourceName: string;
  /** As the user gave it; becomes the data set's folder. */
  readonly out: string;
  readonly from?: string | undefined;
  readonly root?: string | undefined;
  readonly split: SplitMethod;
  readonly seed: number;
  /** Stop at the first image that cannot be read, instead of leaving it out. */
  readonly strict: boolean;
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
}

export interface PrepareSummary {
  readonly folder: string;
  readonly manifest: DatasetManifest;
  readonly skipped: readonly Skipped[];
  readonly leftOut: LeftOut;
}

/** @throws KindredError output-exists when writing there would destroy anything but a data set of ours */
async function checkOut(out: string, from: string | undefined): Promise<void> {
  const inside = from === undefined ? undefined : relative(out, resolve(from));
  if (inside !== undefined && inside !== '..' && !inside.startsWith(`..${sep}`) && !inside.startsWith('/')) {
    throw new KindredError(
      'output-exists',
      `the images in ${from ?? ''} lie in --out ${out}, which would be replaced`,
      {
        hint: 'Choose another folder for --out: the images stay where they are.',
        field: '--out',
      },
    );
  }
  let names: string[];
  try {
    names = await readdir(out);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return;
    throw new KindredError('output-exists', `${out} is there already and is not a folder that can be read`, {
      hint: 'Choose another folder for --out.',
      field: '--out',
      cause: error,
    });
  }
  if (names.length === 0) return;
  const manifest = await loadManifest(out).catch(() => undefined);
  // images/ is ours only where the data set before kept its own images there.
  const ours = new Set([manifestFile, itemsFile, ...(manifest?.root.startsWith('images') ? ['images'] : [])]);
  const foreign = names.filter((name) => !ours.has(name));
  if (manifest === undefined || foreign.length > 0) {
    const what = manifest === undefined ? 'holds something other than a data set' : `also holds ${foreign.join(', ')}`;
    throw new KindredError('output-exists', `${out} ${what}`, {
      hint: 'Choose another folder for --out, or empty this one.',
      field: '--out',
    });
  }
}

/** Leaves out what cannot be decoded. */
async function keepReadable(
  gathered: Gathered,
  options: PrepareOptions,
): Promise<{ items: readonly UnsplitItem[]; skipped: Skipped[] }> {
  const { items, root } = gathered;
  if (gathered.verified) return { items, skipped: [] };
  const found = await examineImages(
    root,
    items.map((item) => item.path),
    options,
  );
  const skipped: Skipped[] = [];
  const kept = items.filter((item, index) => {
    const outcome = found[index];
    if (!outcome || outcome.ok) return true;
    if (options.strict) {
      throw new KindredError(outcome.error.code, `${join(root, item.path)}: ${reasonWithoutName(outcome.error)}`, {
        hint: 'Repair or remove the file, or leave out --strict to skip it.',
        cause: outcome.error,
      });
    }
    skipped.push({ path: item.path, reason: reasonWithoutName(outcome.error) });
    return false;
  });
  if (kept.length === 0) {
    const example = skipped[0];
    throw new KindredError('dataset-empty', `none of ${items.length} images in ${root} can be read`, {
      hint: example ? `For example ${example.path}: ${example.reason}.` : undefined,
    });
  }
  return { items: kept, skipped };
}

/**
 * Makes a data set folder from a source: gather, check every image, split by class, write. The folder appears whole
 * or not at all; an earlier data set there is replaced.
 * @throws KindredError output-exists, dataset-empty, dataset-invalid, source-missing, interrupted; with `strict` also
 *   the codes of unreadable images
 */
export async function prepareDataset(options: PrepareOptions): Promise<PrepareSummary> {
  const out = resolve(options.out);
  const from = options.from === undefined ? undefined : resolve(options.from);
  const root = options.root === undefined ? undefined : resolve(options.root);
  await checkOut(out, root ?? from);
  let summary: PrepareSummary | undefined;
  await writeFolderAtomic(out, async (folder) => {
    const { progress, signal } = options;
    const gathered = await options.source.gather({ from, root, folder, progress, signal });
    const readable = await keepReadable(gathered, options);
    const { items, leftOut } = assignSplits(readable.items, options.split, options.seed);
    const manifest = await writeDataset(folder, {
      ...gathered,
      source: options.sourceName,
      items,
      split: { method: options.split, seed: options.seed },
    });
    if (signal.aborted) throw new KindredError('interrupted', 'stopped; nothing was written');
    summary = { folder: out, manifest, skipped: [...gathered.skipped, ...readable.skipped], leftOut };
  });
  if (!summary) throw new KindredError('internal', `${out} was not written`);
  return summary;
}
