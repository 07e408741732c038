import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { KindredError } from '../../../core/errors.js';
import { emojiPackages } from './houses.js';

/**
 * Finds the folders of the npm packages that hold the drawings: beside kindred, or in the project that it runs in.
 * They are no dependencies of kindred, as most users never need them.
 * @returns package name → folder
 * @throws KindredError source-missing with the command that installs all that are missing
 */
export function findEmojiPackages(from: readonly (string | URL)[] = defaultPlaces()): ReadonlyMap<string, string> {
  const requires = from.map((place) => createRequire(place));
  const folders = new Map<string, string>();
  for (const name of emojiPackages) {
    for (const require of requires) {
      const found = folderOf(require, name);
      if (found === undefined) continue;
      folders.set(name, found);
      break;
    }
  }
  const missing = emojiPackages.filter((name) => !folders.has(name));
  if (missing.length > 0) {
    throw new KindredError(
      'source-missing',
      `the emoji drawings come in npm packages, and ${missing.length} of ${emojiPackages.length} are not installed`,
      { hint: `Install them: npm install --save-dev ${missing.join(' ')}` },
    );
  }
  return folders;
}

function defaultPlaces(): readonly (string | URL)[] {
  return [import.meta.url, pathToFileURL(join(process.cwd(), 'package.json'))];
}

function folderOf(require: NodeJS.Require, name: string): string | undefined {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}
