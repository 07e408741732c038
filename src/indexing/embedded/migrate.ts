import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { copyCatalogue } from './check.js';
import { formatVersion } from './format.js';
import { numberIndex, openDatabase } from './schema.js';
import { sqliteError } from './sqlite-errors.js';
import { pragma } from './statements.js';

/** What makes a format of the one before it; older formats can be read as they are. */
const steps: Readonly<Record<number, string>> = { 2: numberIndex };

/**
 * Brings a catalogue.db of an older format up to date. A checked copy of it as it was is kept beside it first; the change
 * itself is one transaction. The caller is the index's only writer.
 * @returns what was done, for the log; undefined where nothing was to do
 * @throws KindredError index-damaged, index-too-new, disk-full, folder-not-writable
 */
export async function migrateCatalogue(path: string): Promise<string | undefined> {
  if (!existsSync(path)) return undefined;
  const from = formatOf(path);
  if (from >= formatVersion) return undefined;
  const copy = `${path}.format-${from}`;
  await copyCatalogue(path, copy);
  const { db } = openDatabase({ path, readOnly: false });
  try {
    db.transaction(() => {
      for (let format = from + 1; format <= formatVersion; format++) db.exec(steps[format] ?? '');
      pragma(db, `user_version = ${formatVersion}`);
    }).exclusive();
  } catch (error) {
    throw sqliteError(error, path);
  } finally {
    db.close();
  }
  return `brought ${basename(path)} from format ${from} to ${formatVersion}; as it was it is in ${copy}`;
}

function formatOf(path: string): number {
  const { db, identity } = openDatabase({ path, readOnly: true });
  db.close();
  return identity.format;
}
