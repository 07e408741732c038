import type Database from 'better-sqlite3';
import { KindredError } from '../../core/errors.js';
import { closest } from '../../core/registry.js';
import type { CatalogueItem, FieldSummary, Filter, ScanOptions, ScanPage } from '../catalogue.js';
import { fromField, type ItemRow, itemColumns, toItem } from './rows.js';

const topValues = 100;

/** The reading side of catalogue.db. */
export class Reader {
  readonly #db: Database.Database;
  readonly #byId;
  readonly #byRow;
  readonly #fieldKnown;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#byId = db.prepare<[string], ItemRow>(`SELECT ${itemColumns} FROM items WHERE id = ?`);
    this.#byRow = db.prepare<[number], ItemRow>(`SELECT ${itemColumns} FROM items WHERE row = ?`);
    this.#fieldKnown = db.prepare<[string]>('SELECT 1 FROM fields WHERE field = ? LIMIT 1');
  }

  get(id: string): CatalogueItem | undefined {
    const row = this.#byId.get(id);
    return row && toItem(row);
  }

  rowOf(id: string): number | undefined {
    return this.#byId.get(id)?.row;
  }

  byRow(row: number): CatalogueItem | undefined {
    const found = this.#byRow.get(row);
    return found && toItem(found);
  }

  contentHashes(): Map<string, string> {
    const rows = this.#db.prepare<[], { id: string; content_hash: string }>('SELECT id, content_hash FROM items');
    const hashes = new Map<string, string>();
    for (const row of rows.all()) hashes.set(row.id, row.content_hash);
    return hashes;
  }

  /** Row numbers of all items that match. @throws KindredError unknown-filter-field */
  matchingRows(filter: Filter): number[] {
    const { where, params } = this.#compile(filter);
    const rows = this.#db.prepare<string[], { row: number }>(`SELECT row FROM items WHERE ${where}`);
    return rows.all(...params).map(({ row }) => row);
  }

  /** One page in order of id. @throws KindredError unknown-filter-field */
  scan({ limit, after, filter }: ScanOptions): ScanPage {
    const { where, params } = this.#compile(filter ?? []);
    const counted = this.#db.prepare<string[], { total: number }>(`SELECT COUNT(*) AS total FROM items WHERE ${where}`);
    const page = this.#db.prepare<(string | number)[], ItemRow>(
      `SELECT ${itemColumns} FROM items WHERE ${where} AND id > ? ORDER BY id LIMIT ?`,
    );
    const rows = page.all(...params, after ?? '', limit + 1);
    const items = rows.slice(0, limit).map(toItem);
    const total = counted.get(...params)?.total ?? 0;
    const last = items.at(-1);
    return rows.length > limit && last ? { items, next: last.id, total } : { items, total };
  }

  count(): number {
    return this.#db.prepare<[], { n: number }>('SELECT COUNT(*) AS n FROM items').get()?.n ?? 0;
  }

  fields(): FieldSummary[] {
    const distinct = this.#db.prepare<[string], { n: number }>(
      'SELECT COUNT(DISTINCT value) AS n FROM fields WHERE field = ?',
    );
    const top = this.#db.prepare<[string, number], { value: string; kind: string; count: number }>(
      'SELECT value, MIN(kind) AS kind, COUNT(*) AS count FROM fields WHERE field = ? GROUP BY value ORDER BY count DESC, value LIMIT ?',
    );
    return this.#fieldNames().map((field) => ({
      field,
      distinct: distinct.get(field)?.n ?? 0,
      values: top.all(field, topValues).map(({ value, kind, count }) => ({ value: fromField(value, kind), count })),
    }));
  }

  /** `label` first, then the metadata fields by name. */
  #fieldNames(): string[] {
    const rows = this.#db.prepare<[], { field: string }>('SELECT DISTINCT field FROM fields ORDER BY field').all();
    const names = rows.map((row) => row.field);
    return [...names.filter((name) => name === 'label'), ...names.filter((name) => name !== 'label')];
  }

  /** SQL for a filter. Values travel as one JSON array, so that their number meets no limit of SQLite. */
  #compile(filter: Filter): { where: string; params: string[] } {
    const params: string[] = [];
    const parts = filter.map(({ field, in: accepted }) => {
      const values = JSON.stringify(accepted.map(String));
      if (field === 'id') {
        params.push(values);
        return 'id IN (SELECT value FROM json_each(?))';
      }
      if (field !== 'label' && this.#fieldKnown.get(field) === undefined) throw this.#unknownField(field);
      params.push(field, values);
      return 'row IN (SELECT item FROM fields WHERE field = ? AND value IN (SELECT value FROM json_each(?)))';
    });
    return { where: parts.length === 0 ? '1' : parts.join(' AND '), params };
  }

  #unknownField(field: string): KindredError {
    const known = [...new Set(['id', 'label', ...this.#fieldNames()])];
    const near = closest(field, known);
    return new KindredError(
      'unknown-filter-field',
      `no item has a field "${field}"${near ? ` (did you mean "${near}"?)` : ''}`,
      { hint: `Known fields: ${known.join(', ')}.`, field },
    );
  }
}
