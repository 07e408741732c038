import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { isSystemError, KindredError } from '../../core/errors.js';
import { readCsv, requireColumns } from '../../data/csv.js';
import type { CatalogueItem } from '../../indexing/catalogue.js';

/** A line beside a matrix of vectors: what the row of the same number belongs to. */
const rowSchema = z.object({
  id: z.string().min(1),
  label: z.string().nullable().default(null),
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  /** Absolute path of the picture. */
  image: z.string().nullable().default(null),
  width: z.number().int().nullable().default(null),
  height: z.number().int().nullable().default(null),
  /** SHA-256 of the picture. */
  content: z.string().optional(),
  /** Fingerprint of the model that made the vector. */
  model: z.string().optional(),
});
export type VectorRow = z.infer<typeof rowSchema>;

/** FILE.npy → FILE.ids.jsonl */
export const idsBeside = (npy: string): string => `${npy.replace(/\.npy$/, '')}.ids.jsonl`;

const isCsv = (path: string): boolean => /\.csv$/i.test(path);

const csvCell = (text: string): string => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The rows as JSON lines, or, for a path that ends in .csv, as id and label alone. */
export function formatIds(path: string, items: readonly CatalogueItem[], model: string): string {
  if (isCsv(path)) {
    const rows = items.map(({ id, label }) => [id, label ?? ''].map(csvCell).join(','));
    return ['id,label', ...rows, ''].join('\n');
  }
  return items
    .map(({ id, label, metadata, imagePath, width, height, contentHash }) => {
      const row = { id, label, metadata, image: imagePath, width, height, content: contentHash, model };
      return `${JSON.stringify(row satisfies VectorRow)}\n`;
    })
    .join('');
}

async function readCsvRows(path: string): Promise<VectorRow[]> {
  const table = await readCsv(path);
  requireColumns(table, path, ['id']);
  return table.rows.map(({ values }) => {
    const { id = '', label, ...metadata } = values;
    return rowSchema.parse({ id, label: label === undefined || label === '' ? null : label, metadata });
  });
}

function parseLine(line: string, path: string, number: number): VectorRow {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch (error) {
    throw new KindredError('invalid-json', `${path}: line ${number} is not valid JSON`, { cause: error });
  }
  const parsed = rowSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new KindredError('dataset-invalid', `${path}: line ${number}: ${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'not as expected'}`, { hint: 'Each line is an object with an id, and perhaps label, metadata and image.' }); // prettier-ignore
}

/**
 * Reads what the rows of a matrix belong to, in their order: JSON lines, or a CSV with a column id.
 * @throws KindredError file-not-found, file-unreadable, invalid-json, dataset-invalid naming the line
 */
export async function readIds(path: string): Promise<VectorRow[]> {
  const rows = isCsv(path) ? await readCsvRows(path) : await readJsonLines(path);
  const lines = new Map<string, number>();
  rows.forEach(({ id }, at) => {
    const before = lines.get(id);
    if (before !== undefined)
      throw new KindredError('dataset-invalid', `${path}: row ${at + 1}: the id "${id}" is in row ${before} already`);
    lines.set(id, at + 1);
  });
  return rows;
}

async function readJsonLines(path: string): Promise<VectorRow[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const missing = isSystemError(error, 'ENOENT');
    throw new KindredError(missing ? 'file-not-found' : 'file-unreadable', `${missing ? 'there is no file' : 'cannot read'} ${path}`, { hint: 'Name the file with the ids: --ids FILE.', cause: error }); // prettier-ignore
  });
  return text
    .split('\n')
    .filter((line, at, all) => line !== '' || at < all.length - 1)
    .map((line, at) => parseLine(line, path, at + 1));
}
