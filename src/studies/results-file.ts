import { open, readFile, truncate } from 'node:fs/promises';
import { isSystemError, writeError } from '../core/errors.js';
import { parseRunLines } from './summary/read-runs.js';
import { recordSchema, type RunRecord } from './record.js';

export interface ResultsFile {
  /** What was there already. */
  readonly known: readonly RunRecord[];
  /** Adds one line; it is on the disk when the promise resolves. */
  append(record: RunRecord): Promise<void>;
}

/**
 * Opens a study's results to go on with them. A last line that is cut off (the process was killed while it wrote) is taken
 * away with a warning: that run is done again.
 * @throws KindredError results-invalid naming the line, file-unreadable, disk-full, folder-not-writable
 */
export async function openResults(path: string, warn: (text: string) => void): Promise<ResultsFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return '';
    throw error;
  });
  const { runs, warning } = parseRunLines(text, path, recordSchema);
  if (warning !== undefined) {
    warn(`${warning}; that run is done again`);
    await truncate(path, Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1)));
  } else if (text !== '' && !text.endsWith('\n')) await appendLine(path, '\n');
  return { known: runs, append: (record) => appendLine(path, `${JSON.stringify(record)}\n`) };
}

async function appendLine(path: string, line: string): Promise<void> {
  try {
    const handle = await open(path, 'a');
    try {
      await handle.appendFile(line);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw writeError(error, path);
  }
}
