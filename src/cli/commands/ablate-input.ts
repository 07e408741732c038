import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseGrid, type Grid } from '../../config/grid.js';
import { KindredError } from '../../core/errors.js';
import { exists } from '../../core/files.js';
import type { StudyData } from '../../studies/plan.js';
import type { CommandContext } from '../command.js';

/** @throws KindredError file-not-found; invalid-option with the line or the place in the grid */
export async function readGrid(path: string): Promise<Grid> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new KindredError('file-not-found', `cannot read the grid ${path}`, { hint: 'Check the path.', cause: error });
  });
  const { parse, YAMLParseError } = await import('yaml');
  let content: unknown;
  try {
    content = extname(path) === '.json' ? JSON.parse(text) : parse(text);
  } catch (error) {
    const line = error instanceof YAMLParseError ? (error.linePos?.[0].line ?? 0) : 0;
    const where = line > 0 ? `, line ${line}` : '';
    throw new KindredError('invalid-option', `${path}${where}: ${error instanceof Error ? error.message : 'no YAML'}`, {
      hint: 'A grid is YAML, or JSON in a file that ends in .json.',
      cause: error,
    });
  }
  return parseGrid(content, path);
}

/** The commit that a checkout of kindred is at; null for an installed package. A change that is not committed adds a +. */
export async function commitOf(): Promise<string | null> {
  const git = async (...args: string[]): Promise<string> =>
    (
      await promisify(execFile)('git', ['-C', fileURLToPath(new URL('../../..', import.meta.url)), ...args])
    ).stdout.trim();
  try {
    const dirty = await git('status', '--porcelain', '--untracked-files=no', '--', 'src');
    return `${await git('rev-parse', '--short', 'HEAD')}${dirty === '' ? '' : '+'}`;
  } catch {
    return null;
  }
}

export interface FindOptions {
  /** NAME=FOLDER, in place of the grid's. */
  readonly data: readonly string[];
  readonly cacheDir: string;
}

/** The grid's data sets: folders that are prepared, and sources, which are prepared once and kept in the cache folder. */
export async function findData(
  grid: Grid,
  path: string,
  options: FindOptions,
  context: CommandContext,
): Promise<StudyData[]> {
  const { loadDataset } = await import('../../data/dataset-folder.js');
  const given = new Map(
    options.data.map((pair): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  for (const name of given.keys()) {
    if (name in grid.data) continue;
    throw new KindredError('invalid-option', `--data ${name}=…: the grid has no data set "${name}"`, {
      hint: `It has ${Object.keys(grid.data).join(', ')}.`,
      field: '--data',
    });
  }
  const found: StudyData[] = [];
  for (const [data, entry] of Object.entries(grid.data)) {
    const own = typeof entry === 'string' ? resolve(dirname(path), entry) : undefined;
    const folder = given.get(data) ?? own ?? join(options.cacheDir, 'studies', data);
    if (typeof entry !== 'string' && !given.has(data) && !(await exists(folder))) {
      const { datasetSources } = await import('../../data/sources/registry.js');
      const { prepareDataset } = await import('../../data/prepare.js');
      const { signal, progress } = context;
      const from = entry.from === undefined ? undefined : resolve(dirname(path), entry.from);
      const source = datasetSources.get(entry.source);
      const split = 'random';
      await prepareDataset({
        source,
        sourceName: entry.source,
        out: folder,
        from,
        split,
        seed: 0,
        strict: false,
        signal,
        progress,
      });
    }
    const { splitHash } = await loadDataset(folder);
    found.push({ data, folder: resolve(folder), splitHash, split: grid.split, limit: grid.limit });
  }
  return found;
}
