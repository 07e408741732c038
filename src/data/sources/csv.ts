import { basename, dirname, extname, isAbsolute, relative, resolve, sep } from 'node:path';
import { KindredError } from '../../core/errors.js';
import type { Metadata, MetadataValue } from '../../core/metadata.js';
import { type CsvRow, type CsvTable, readCsv, requireColumns } from '../csv.js';
import { nothingFound, requireFolder } from '../scan.js';
import type { DatasetSource } from '../source.js';
import type { UnsplitItem } from '../split.js';

const ownColumns: ReadonlySet<string> = new Set(['id', 'path', 'label']);

/** Text → value, for a whole column: numbers only where no text is lost, so that "00123" stays what it is. */
function converterFor(texts: readonly string[]): (text: string) => MetadataValue {
  const filled = texts.filter((text) => text !== '');
  if (filled.every((text) => Number.isFinite(Number(text)) && String(Number(text)) === text)) return Number;
  if (filled.every((text) => text === 'true' || text === 'false')) return (text) => text === 'true';
  return (text) => text;
}

function metadataReader(table: CsvTable): (row: CsvRow) => Metadata {
  const converters = table.columns
    .filter((column) => column !== '' && !ownColumns.has(column))
    .map((column) => ({ column, convert: converterFor(table.rows.map(({ values }) => values[column] ?? '')) }));
  return ({ values }) =>
    Object.fromEntries(
      converters.flatMap(({ column, convert }) => {
        const text = values[column] ?? '';
        return text === '' ? [] : [[column, convert(text)]];
      }),
    );
}

function rowError(path: string, line: number, what: string, hint: string): KindredError {
  return new KindredError('dataset-invalid', `${path}, line ${line}: ${what}`, { hint });
}

/** A table of pictures: path and label, an optional id, and any further columns as metadata. */
export const csvSource: DatasetSource = {
  summary: 'a table with the columns path and label; further columns become metadata',
  from: { what: 'a CSV file', required: true },
  async gather({ from, root: givenRoot }) {
    if (from === undefined) throw new KindredError('invalid-option', '--from is missing', { field: '--from' });
    const table = await readCsv(from);
    requireColumns(table, from, ['path', 'label']);
    const root = givenRoot ?? dirname(from);
    await requireFolder(root);
    const metadataOf = metadataReader(table);
    const lineOf = new Map<string, number>();
    const items = table.rows.map((row): UnsplitItem => {
      const { line, values } = row;
      if (!values['path']) throw rowError(from, line, 'the path is empty', 'Fill it in, or delete the row.');
      const inside = relative(root, resolve(root, values['path']));
      if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
        throw rowError(
          from,
          line,
          `${values['path']} is not inside ${root}`,
          'Give the folder that holds all of them: --root FOLDER',
        );
      }
      const path = inside.split(sep).join('/');
      const id = values['id'] || path;
      const before = lineOf.get(id);
      if (before !== undefined) {
        const hint = table.columns.includes('id')
          ? 'Make ids unique.'
          : 'Delete one of the rows, or add a column "id".';
        throw rowError(from, line, `"${id}" is on line ${before} already`, hint);
      }
      lineOf.set(id, line);
      return { id, path, label: values['label'] || null, metadata: metadataOf(row) };
    });
    if (items.length === 0) throw nothingFound(from, 'rows below the header row');
    return { name: basename(from, extname(from)), root, items, skipped: [] };
  },
};
