import { readdir } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { isSystemError, KindredError } from '../core/errors.js';
import { writeFolderAtomic } from '../core/files.js';
import type { ReportProgress } from '../core/progress.js';
import { itemsFile, loadManifest, manifestFile, writeDataset } from './dataset-folder.js';
import type { DatasetManifest } from './dataset-schema.js';
import { examineImages, reasonWithoutName } from './examine.js';
import { hashesAmong, hashesFile, type ImageHashes, keepHashes } from './image-hashes.js';
import type { DatasetSource, Gathered, Skipped } from './source.js';
import { assignSplits, type Fold, type LeftOut, type SplitMethod, type UnsplitItem } from './split.js';

export interface PrepareOptions {
  readonly source: DatasetSource;
  /** The source's name, kept in dataset.json. */
  readonly sourceName: string;
  /** As the user gave it; becomes the data set's folder. */
  readonly out: string;
  readonly from?: string | undefined;
  readonly root?: string | undefined;
  /** Left out: the official split where the source has one, else a random one. */
  readonly split?: SplitMethod | undefined;
  readonly seed: number;
  readonly fold?: Fold | undefined;
  /** Accept a published data set that is not whole; dataset.json tells what is missing. */
  readonly allowIncomplete?: boolean | undefined;
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
  const ours = new Set([
    manifestFile,
    itemsFile,
    hashesFile,
    ...(manifest?.root.startsWith('images') ? ['images'] : []),
  ]);
  const foreign = names.filter((name) => !ours.has(name));
  if (manifest === undefined || foreign.length > 0) {
    const what = manifest === undefined ? 'holds something other than a data set' : `also holds ${foreign.join(', ')}`;
    throw new KindredError('output-exists', `${out} ${what}`, {
      hint: 'Choose another folder for --out, or empty this one.',
      field: '--out',
    });
  }
}

/** @throws KindredError invalid-option for a split that the source cannot have, before anything is unpacked */
function chooseSplit({ source, sourceName, split, fold, allowIncomplete }: PrepareOptions): SplitMethod {
  if (split === 'official' && !source.official) {
    throw new KindredError('invalid-option', `${sourceName} has no official split`, {
      hint: 'Give --split random or --split every-second.',
      field: '--split',
    });
  }
  if (allowIncomplete && !source.published) {
    throw new KindredError('invalid-option', `${sourceName} takes no --allow-incomplete`, {
      hint: 'It takes what it finds.',
      field: '--allow-incomplete',
    });
  }
  const chosen = split ?? (source.official === 'default' ? 'official' : 'random');
  if (fold && chosen === 'official') {
    throw new KindredError('invalid-option', `the official split of ${sourceName} has no folds`, {
      hint: 'Add --split random to leave the official split.',
      field: '--fold',
    });
  }
  return chosen;
}

/** Leaves out what cannot be decoded. */
async function keepReadable(
  gathered: Gathered,
  options: PrepareOptions,
): Promise<{ items: readonly UnsplitItem[]; skipped: Skipped[]; hashes?: Map<string, ImageHashes> }> {
  const { items, root, where = root } = gathered;
  if (gathered.verified) return { items, skipped: [] };
  const paths = items.map((item) => item.path);
  const found = await examineImages(root, paths, options);
  const skipped: Skipped[] = [];
  const kept = items.filter((item, index) => {
    const outcome = found[index];
    if (!outcome || outcome.ok) return true;
    const whole = options.source.published === true && options.allowIncomplete !== true;
    if (options.strict || whole) {
      throw new KindredError(outcome.error.code, `${join(where, item.path)}: ${reasonWithoutName(outcome.error)}`, {
        hint: whole
          ? 'Fetch it again: results on a part of a published data set are not comparable. To leave it out all the same, add --allow-incomplete.'
          : 'Repair or remove the file, or leave out --strict to skip it.',
        cause: outcome.error,
      });
    }
    skipped.push({ path: item.path, reason: reasonWithoutName(outcome.error) });
    return false;
  });
  if (kept.length === 0) {
    const example = skipped[0];
    throw new KindredError('dataset-empty', `none of ${items.length} images in ${where} can be read`, {
      hint: example ? `For example ${example.path}: ${example.reason}.` : undefined,
    });
  }
  return { items: kept, skipped, hashes: hashesAmong(paths, found) };
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
  const split = chooseSplit(options);
  await checkOut(out, root ?? from);
  let summary: PrepareSummary | undefined;
  await writeFolderAtomic(out, async (folder) => {
    const { progress, signal, seed, fold, allowIncomplete } = options;
    const gathered = await options.source.gather({ from, root, folder, allowIncomplete, progress, signal });
    const readable = await keepReadable(gathered, options);
    const { items, leftOut } = assignSplits(readable.items, split, seed, fold);
    const unreadable = options.source.published === true ? readable.skipped : [];
    const manifest = await writeDataset(folder, {
      ...gathered,
      source: options.sourceName,
      items,
      split: { method: split, seed, ...(fold ? { fold: `${fold.index}/${fold.of}` } : {}) },
      deviations: [
        ...(gathered.deviations ?? []),
        ...unreadable.map(({ path, reason }) => `${path} was left out: ${reason}`),
      ],
    });
    // Every picture was looked at anyway: whoever audits the data set later need not do it again.
    if (readable.hashes) await keepHashes({ folder, root: gathered.root }, readable.hashes);
    if (signal.aborted) throw new KindredError('interrupted', 'stopped; nothing was written');
    summary = { folder: out, manifest, skipped: [...gathered.skipped, ...readable.skipped], leftOut };
  });
  if (!summary) throw new KindredError('internal', `${out} was not written`);
  return summary;
}
