import { readFile } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { z } from 'zod';
import { isSystemError, KindredError } from '../core/errors.js';
import { exists, readJson, writeFileAtomic } from '../core/files.js';
import { version } from '../core/version.js';
import { type Dataset, type DatasetItem, type DatasetSplit, itemsByLabel, splitNames } from './dataset.js';
import {
  type Credit,
  type DatasetCounts,
  datasetFormat,
  type DatasetManifest,
  itemSchema,
  manifestSchema,
} from './dataset-schema.js';
import { computeSplitHash } from './split.js';

export const manifestFile = 'dataset.json';
export const itemsFile = 'items.jsonl';
const prepareAgain = 'Prepare the data set again with kindred data prepare.';

function invalid(path: string, what: string, cause?: unknown): KindredError {
  return new KindredError('dataset-invalid', `${path}: ${what}`, { hint: prepareAgain, field: path, cause });
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.map(String).join('.') || 'content'}: ${issue.message}` : 'not as expected';
}

/**
 * Reads a data set's description without its items.
 * @throws KindredError file-not-found when the folder holds no data set, dataset-invalid
 */
export async function loadManifest(folder: string): Promise<DatasetManifest> {
  const path = join(folder, manifestFile);
  if (!(await exists(path))) {
    throw new KindredError('file-not-found', `${folder} is not a data set: there is no ${manifestFile} in it`, {
      hint: `Prepare one with kindred data prepare … --out ${folder}`,
    });
  }
  let content: unknown;
  try {
    content = await readJson(path);
  } catch (error) {
    if (error instanceof KindredError && error.code === 'invalid-json') throw invalid(path, 'not valid JSON', error);
    throw error;
  }
  const parsed = manifestSchema.safeParse(content);
  if (!parsed.success) throw invalid(path, firstIssue(parsed.error), parsed.error);
  return parsed.data;
}

function parseLine(line: string, path: string, number: number): DatasetItem {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch (error) {
    throw invalid(path, `line ${number}: not valid JSON`, error);
  }
  const parsed = itemSchema.safeParse(content);
  if (!parsed.success) throw invalid(path, `line ${number}: ${firstIssue(parsed.error)}`, parsed.error);
  return parsed.data;
}

/** Roles are for the test's items: for all of them or for none, and both sides must be there. */
function checkRoles(items: readonly DatasetItem[], path: string): void {
  const stray = items.findIndex((item) => item.role !== undefined && item.split !== 'test');
  if (stray !== -1)
    throw invalid(path, `line ${stray + 1}: only an item in split "test" can be a query or gallery item`);
  const tested = items.filter((item) => item.split === 'test');
  const roles = new Set(tested.map((item) => item.role));
  if (roles.size === 0 || (roles.size === 1 && roles.has(undefined))) return;
  if (roles.has(undefined)) {
    const without = items.findIndex((item) => item.split === 'test' && item.role === undefined);
    throw invalid(path, `line ${without + 1}: other test items are queries or gallery items, this one is neither`);
  }
  if (roles.size === 1)
    throw invalid(path, `every test item is a ${[...roles].join()} item, there is nothing to search`);
}

/** Ids are unique, and no class is in more than one of train, validation and test. */
function checkItems(items: readonly DatasetItem[], path: string): void {
  const lineOf = new Map<string, number>();
  const splitOf = new Map<string, string>();
  items.forEach(({ id, label, split }, index) => {
    const number = index + 1;
    const before = lineOf.get(id);
    if (before !== undefined) throw invalid(path, `line ${number}: the id "${id}" is on line ${before} already`);
    lineOf.set(id, number);
    if (split === 'none') return;
    if (label === null) throw invalid(path, `line ${number}: an item without a label cannot be in split "${split}"`);
    const other = splitOf.get(label);
    if (other !== undefined && other !== split) {
      throw invalid(path, `line ${number}: class "${label}" is in "${split}" and in "${other}"; a class has one split`);
    }
    splitOf.set(label, split);
  });
  checkRoles(items, path);
}

/**
 * Loads and checks what `data prepare` wrote. Images are not touched.
 * @param folder as the user gave it
 * @throws KindredError file-not-found when there is no data set, dataset-invalid naming the file and line
 */
export async function loadDataset(folder: string): Promise<Dataset> {
  const absolute = resolve(folder);
  const manifest = await loadManifest(folder);
  const path = join(folder, itemsFile);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw invalid(path, isSystemError(error, 'ENOENT') ? 'the file is missing' : 'cannot be read', error);
  }
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const items = lines.map((line, index) => parseLine(line, path, index + 1));
  checkItems(items, path);
  if (items.length !== manifest.counts.items) {
    throw invalid(
      path,
      `holds ${items.length} items where ${manifestFile} says ${manifest.counts.items}: cut off or edited`,
    );
  }
  const splitHash = computeSplitHash(items);
  if (splitHash !== manifest.split.hash) {
    throw invalid(path, `labels or splits were changed by hand: their hash is not the one in ${manifestFile}`);
  }
  return {
    folder: absolute,
    name: manifest.name,
    root: resolve(absolute, manifest.root),
    items,
    split: { method: manifest.split.method, seed: manifest.split.seed, fold: manifest.split.fold },
    splitHash,
    deviations: manifest.deviations,
  };
}

export function countItems(items: readonly DatasetItem[]): DatasetCounts {
  const of = (some: readonly DatasetItem[]) => ({ items: some.length, classes: itemsByLabel(some).size });
  const [train, validation, test, none] = splitNames.map((name) => of(items.filter((item) => item.split === name)));
  const empty = { items: 0, classes: 0 };
  return {
    ...of(items),
    splits: { train: train ?? empty, validation: validation ?? empty, test: test ?? empty, none: none ?? empty },
  };
}

/** Relative to the folder when inside it (so that the folder can be moved), else absolute. */
function storedRoot(folder: string, root: string): string {
  const inside = relative(folder, root);
  if (inside === '') return '.';
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? root : inside.split(sep).join('/');
}

export interface NewDataset {
  readonly name: string;
  /** Which loader prepared it. */
  readonly source: string;
  /** Absolute. */
  readonly root: string;
  readonly items: readonly DatasetItem[];
  readonly split: DatasetSplit;
  readonly deviations?: readonly string[] | undefined;
  readonly licence?: string | undefined;
  readonly citation?: string | undefined;
  readonly credits?: readonly Credit[] | undefined;
}

/**
 * Writes dataset.json and items.jsonl into `folder`, each whole or not at all; dataset.json last, as it is what makes
 * the folder a data set.
 * @throws KindredError dataset-invalid for items that could not be loaded again; disk-full, folder-not-writable
 */
export async function writeDataset(folder: string, dataset: NewDataset): Promise<DatasetManifest> {
  const path = join(folder, itemsFile);
  dataset.items.forEach((item) => {
    const parsed = itemSchema.safeParse(item);
    if (!parsed.success) {
      throw new KindredError('dataset-invalid', `${item.path}: ${firstIssue(parsed.error)}`, {
        hint: 'Rename the file, or leave it out.',
        cause: parsed.error,
      });
    }
  });
  checkItems(dataset.items, path);
  const manifest: DatasetManifest = {
    format: datasetFormat,
    name: dataset.name,
    source: dataset.source,
    kindred: version,
    root: storedRoot(resolve(folder), dataset.root),
    licence: dataset.licence,
    citation: dataset.citation,
    credits: [...(dataset.credits ?? [])],
    split: { ...dataset.split, hash: computeSplitHash(dataset.items) },
    ...(dataset.deviations && dataset.deviations.length > 0 ? { deviations: [...dataset.deviations] } : {}),
    counts: countItems(dataset.items),
  };
  await writeFileAtomic(path, dataset.items.map((item) => `${JSON.stringify(item)}\n`).join(''));
  await writeFileAtomic(join(folder, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}
