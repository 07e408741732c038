import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

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
