import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError, KindredError } from '../../core/errors.js';
import type { Place } from './find.js';

/** An index in a data set: where to read it, and what messages call it. */
export interface IndexFile {
  readonly path: string;
  readonly shown: string;
}

export function indexFile({ root, where }: Place, name: string): IndexFile {
  return { path: join(root, name), shown: join(where, name) };
}

export interface IndexLine {
  /** In the file, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

/** The error for a line of a published index that is not as published. */
export function badLine({ shown }: IndexFile, line: number, what: string): KindredError {
  return new KindredError('dataset-invalid', `${shown}, line ${line}: ${what}`, {
    hint: 'Fetch the data set again: its index is not as published.',
  });
}

/**
 * Reads a published index: a line a picture or class, fields with blanks between them.
 * @param columns their names, which say how many fields a line has
 * @param header lines before the first one
 * @throws KindredError dataset-invalid naming the line, file-unreadable
 */
export async function readIndexFile(file: IndexFile, columns: readonly string[], header = 0): Promise<IndexLine[]> {
  let text: string;
  try {
    text = await readFile(file.path, 'utf8');
  } catch (error) {
    const missing = isSystemError(error, 'ENOENT');
    throw new KindredError(
      missing ? 'dataset-invalid' : 'file-unreadable',
      `${file.shown} ${missing ? 'is missing' : 'cannot be read'}`,
      {
        hint: missing ? 'Fetch the data set again, whole.' : 'Check its permissions.',
        cause: error,
      },
    );
  }
  const found: IndexLine[] = [];
  text.split('\n').forEach((whole, index) => {
    const fields = whole.split(/\s+/).filter((field) => field !== '');
    if (index < header || fields.length === 0) return;
    if (fields.length !== columns.length) {
      throw badLine(file, index + 1, `${fields.length} fields, ${columns.length} are expected (${columns.join(', ')})`);
    }
    found.push({ line: index + 1, fields });
  });
  return found;
}

/** Number → text, from an index with a number and a text a line. */
export async function readNumbered(
  file: IndexFile,
  columns: readonly [string, string],
): Promise<Map<number, IndexLine>> {
  const byNumber = new Map<number, IndexLine>();
  for (const entry of await readIndexFile(file, columns)) {
    const number = Number(entry.fields[0]);
    if (!Number.isInteger(number))
      throw badLine(file, entry.line, `${columns[0]} "${entry.fields[0] ?? ''}" is no number`);
    if (byNumber.has(number)) throw badLine(file, entry.line, `${columns[0]} ${number} is there twice`);
    byNumber.set(number, entry);
  }
  return byNumber;
}
