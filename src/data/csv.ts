import { readFile } from 'node:fs/promises';
import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { isSystemError, KindredError } from '../core/errors.js';

export interface CsvTable {
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
}

export interface CsvRow {
  /** Line in the file, from 1. */
  readonly line: number;
  /** Column → text, trimmed. */
  readonly values: Readonly<Record<string, string>>;
}

const parsedSchema = z.array(
  z.object({ record: z.record(z.string(), z.string()), info: z.object({ lines: z.number() }) }),
);

/**
 * Reads a CSV with a header row; a byte order mark and quoted fields are fine.
 * @throws KindredError file-not-found, file-unreadable, dataset-invalid naming the line
 */
export async function readCsv(path: string): Promise<CsvTable> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const missing = isSystemError(error, 'ENOENT') || isSystemError(error, 'ENOTDIR');
    const what = missing ? `there is no file ${path}` : `cannot read ${path}`;
    throw new KindredError(missing ? 'file-not-found' : 'file-unreadable', what, {
      hint: 'Check the path.',
      cause: error,
    });
  }
  let columns: readonly string[] = [];
  try {
    const parsed: unknown = parse(text, {
      bom: true,
      trim: true,
      info: true,
      skip_empty_lines: true,
      columns: (header: string[]) => (columns = header),
    });
    const rows = parsedSchema.parse(parsed).map(({ record, info }) => ({ line: info.lines, values: record }));
    return { columns, rows };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new KindredError('dataset-invalid', `${path}: ${error.message}`, {
      hint: 'Save it as CSV with commas, one header row, and quotes around fields that hold commas.',
      cause: error,
    });
  }
}

/** @throws KindredError dataset-invalid when one of the columns is missing */
export function requireColumns(table: CsvTable, path: string, wanted: readonly string[]): void {
  const missing = wanted.filter((column) => !table.columns.includes(column));
  if (missing.length === 0) return;
  throw new KindredError(
    'dataset-invalid',
    `${path}: there is no column ${missing.map((name) => `"${name}"`).join(', ')}`,
    {
      hint: `Name the columns in the first row. Found: ${table.columns.join(', ') || 'nothing'}.`,
      field: missing[0],
    },
  );
}
