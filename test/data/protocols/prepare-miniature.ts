import { expect } from 'vitest';
import { join } from 'node:path';
import { loadDataset } from '../../../src/data/dataset-folder.js';
import { prepareDataset, type PrepareSummary } from '../../../src/data/prepare.js';
import type { DatasetSource } from '../../../src/data/source.js';
import { quiet, temporaryFolder } from '../helpers.js';
import { type Files, writeFiles } from '../miniatures.js';

export interface Options {
  readonly allowIncomplete?: boolean;
}

export async function prepare(source: DatasetSource, from: string, options: Options = {}): Promise<PrepareSummary> {
  const out = join(await temporaryFolder(), 'out');
  return prepareDataset({ source, sourceName: 'it', from, out, seed: 0, strict: false, ...quiet, ...options });
}

/** What an official split must have, whatever the layout it came in. */
export async function expectSplit(
  { folder, manifest }: PrepareSummary,
  train: readonly string[],
  test: readonly string[],
): Promise<void> {
  const { items, split } = await loadDataset(folder);
  expect(split.method).toBe('official');
  const classes = (...names: string[]): string[] =>
    [...new Set(items.filter((item) => names.includes(item.split)).map((item) => item.label ?? ''))].sort();
  expect(classes('train', 'validation')).toEqual([...train].sort());
  expect(classes('test')).toEqual([...test].sort());
  expect(manifest.licence).toBeTruthy();
  expect(manifest.citation).toMatch(/20\d\d/);
  expect(manifest.credits[0]?.url).toMatch(/^https:/);
  expect(manifest.deviations).toBeUndefined();
}

export const write = async (files: Files): Promise<string> => writeFiles(await temporaryFolder(), files);
