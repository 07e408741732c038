import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';

/** The folder of a package as kindred would find it, without loading it; undefined when it is not installed. */
export function packageFolder(name: string): string | undefined {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  return folders.map((folder) => join(folder, name)).find((folder) => existsSync(join(folder, 'package.json')));
}

export function isInstalled(name: string): boolean {
  return packageFolder(name) !== undefined;
}

/** Which of these programs are not on the PATH. */
export async function missingPrograms(names: readonly string[]): Promise<string[]> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const found = await Promise.all(
    names.map(async (name) => {
      const tries = folders.map((folder) => access(join(folder, `${name}${suffix}`), constants.X_OK));
      return Promise.any(tries).then(
        () => true,
        () => false,
      );
    }),
  );
  return names.filter((_, index) => !found[index]);
}
