import type Database from 'better-sqlite3';
import { KindredError } from '../../core/errors.js';
import { closest } from '../../core/registry.js';
import type { CatalogueItem, FieldSummary, Filter, FilterCondition, ScanOptions, ScanPage } from '../catalogue.js';
import { filterFields } from '../item-filter.js';
import { conditionSql } from './filter-sql.js';
import { packedColumns } from './packed.js';
import { RowTexts } from './row-texts.js';
import { fromField, type ItemRow, itemColumns, toItem } from './rows.js';
import { pragma } from './statements.js';

type ItemPage = Omit<ScanPage, 'total'>;

const topValues = 100;

/** The reading side of catalogue.db. */
export class Reader {
  readonly #db: Database.Database;
  readonly #byId;
  readonly #byRow;
  readonly #packedByRow;
  readonly #texts = new RowTexts();
  readonly #rowOf;
  readonly #fieldKnown;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#byId = db.prepare<[string], ItemRow>(`SELECT ${itemColumns} FROM items WHERE id = ?`);
    this.#byRow = db.prepare<[number], ItemRow>(`SELECT ${itemColumns} FROM items WHERE row = ?`);
    this.#packedByRow = db.prepare<[number], string>(`SELECT ${packedColumns} FROM items WHERE row = ?`).pluck();
    this.#rowOf = db.prepare<[string], number>('SELECT row FROM items WHERE id = ?').pluck();
    this.#fieldKnown = db.prepare<[string]>('SELECT 1 FROM fields WHERE field = ? LIMIT 1');
  }

  get(id: string): CatalogueItem | undefined {
    const row = this.#byId.get(id);
    return row && toItem(row);
  }

  rowOf(id: string): number | undefined {
    return this.#rowOf.get(id);
  }

  byRow(row: number): CatalogueItem | undefined {
    const found = this.#byRow.get(row);
    return found && toItem(found);
  }

  /** The items as `packedColumns` has them; undefined for a row that is gone. */
  packed(rows: readonly number[]): (string | undefined)[] {
    this.#texts.at(pragma(this.#db, 'data_version'));
    return rows.map((row) => {
      const kept = this.#texts.get(row);
      if (kept !== undefined) return kept;
      const text = this.#packedByRow.get(row);
      if (text !== undefined) this.#texts.keep(row, text);
      return text;
    });
  }

  /** A row was written through the same connection. */
  written(row: number): void {
    this.#texts.forget(row);
  }

  contentHashes(): Map<string, string> {
    const rows = this.#db.prepare<[], { id: string; content_hash: string }>('SELECT id, content_hash FROM items');
    const hashes = new Map<string, string>();
    for (const row of rows.all()) hashes.set(row.id, row.content_hash);
    return hashes;
  }

  /** Row numbers of all items that meet the condition. */
  matchingRows(condition: FilterCondition): number[] {
    const { text, params } = conditionSql(condition);
    return this.#db
      .prepare<string[], { row: number }>(text)
      .all(...params)
      .map(({ row }) => row);
  }

  /** One page in order of id, of those rows only where there are some given. */
  scan({ limit, after = '' }: Omit<ScanOptions, 'filter'>, rows?: readonly number[]): ItemPage {
    const among = rows === undefined ? '' : 'row IN (SELECT value FROM json_each(?)) AND';
    const page = this.#db.prepare<(string | number)[], ItemRow>(
      `SELECT ${itemColumns} FROM items WHERE ${among} id > ? ORDER BY id LIMIT ?`,
    );
    const found = page.all(...(rows === undefined ? [] : [JSON.stringify(rows)]), after, limit + 1);
    const items = found.slice(0, limit).map(toItem);
    const last = items.at(-1);
    return found.length > limit && last ? { items, next: last.id } : { items };
  }

  /** Rows in order of id, `limit` of them. */
  rowsByIdAfter(after: string, limit: number): { row: number; id: string }[] {
    return this.#db
      .prepare<[string, number], { row: number; id: string }>(
        'SELECT row, id FROM items WHERE id > ? ORDER BY id LIMIT ?',
      )
      .all(after, limit);
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

  /** @throws KindredError unknown-filter-field */
  checkFields(filter: Filter): void {
    for (const field of filterFields(filter)) {
      if (field === 'id' || field === 'label' || this.#fieldKnown.get(field) !== undefined) continue;
      throw this.#unknownField(field);
    }
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
